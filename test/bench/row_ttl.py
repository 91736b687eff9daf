"""Point 5: a token in use as its time in the cache runs out, again and again,
with an upstream that takes its time; and one that nobody uses.
"""

import threading
import time

import contenders
import context
import crowd
from report import Row

DELAY = 0.2
TTL, TTLS, PEER_TTLS = 4, 10, 4
PER_SECOND = 300
CONNECTIONS = 32
SLOW_MARK = 20
# One refresh at three quarters of the time, and one to begin with.
CALLS_MARK = 1.5
DEAD_MARK = 1.0


def measure(ctx):
    with ctx.slow() as clerk:
        results, note = ctx.each(contenders.GUARDS, lambda contender: _hot(
            ctx, clerk, contender))
        idle, _ = ctx.each(
            contenders.GUARDS if ctx.full else (contenders.OURS,),
            lambda contender: _idle(ctx, clerk, contender))
    ctx.details["ttl"] = results

    def times(share):
        return {contenders.BARE: 1000 * results[contenders.OURS]["bare"][share],
                **context.spread(results, lambda r: 1000 * r["hot"][share])}

    return [
        Row(5, "hot token: p50", times("p50"), "ms", digits=2),
        Row(5, "hot token: p99.9", times("p99.9"), "ms", digits=1, note=(
            f"{TTLS} TTLs of {TTL} s (others, in the short run: {PEER_TTLS}), "
            f"{PER_SECOND} requests a second, an upstream of "
            f"{1000 * DELAY:.0f} ms. With each a bare request was sent. {note}"
            ).strip()),
        Row(5, "hot token: p99.9 beyond the bare request of the same moment",
            context.spread(results, lambda r: 1000 * r["beyond"]["p99.9"]),
            "ms", digits=1, at_most=SLOW_MARK),
        Row(5, "hot token: slowest", times("max"), "ms", digits=1),
        Row(5, "hot token: calls per TTL", context.spread(
            results, lambda r: r["calls"]), digits=2, at_most=CALLS_MARK),
        Row(5, "dead at a refresh: last 200 after the first 401",
            context.spread(results, lambda r: r["dying"]), "s", digits=3,
            at_most=DEAD_MARK),
        Row(5, "idle token: calls in two TTLs", idle, at_most=1),
    ]


def _hot(ctx, clerk, contender):
    ttls = TTLS if contender.name == contenders.OURS or ctx.full else PEER_TTLS
    clerk.clear()
    clerk.delay(DELAY)
    setup = contenders.Setup(ttl=TTL, negative_ttl=TTL)
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        token = clerk.live_token()
        ask = crowd.request(httpd.path("auth"), token)
        bare = crowd.request(httpd.path("bare"))
        with crowd.Crowd(httpd.port, CONNECTIONS) as many:
            _only(200, many.each([ask]))
            clerk.reset()
            answers = many.paced([bare, ask], PER_SECOND, ttls * TTL)
            calls = clerk.calls()
            _only(200, answers)
            dying = _dying(clerk, many, token, ask)
        httpd.stop(complaints_are_due=True)
    clerk.clear()
    return {**_times(answers, bare), "calls": calls / ttls, "dying": dying}


def _times(answers, bare):
    """Of the hot token's requests, of the bare ones, and by how much the
    former took longer: what stops the whole machine meets both of a moment.
    """
    by_moment = {True: {}, False: {}}
    for one in answers:
        by_moment[one.request == bare][one.at] = one.seconds
    hot, calm = by_moment[False], by_moment[True]
    sides = {"hot": hot.values(), "bare": calm.values(),
             "beyond": [hot[at] - calm[at] for at in hot]}
    return {name: {"p50": crowd.percentile(times, 0.5),
                   "p99.9": crowd.percentile(times, 0.999),
                   "max": max(times)} for name, times in sides.items()}


def _only(status, answers):
    counted = crowd.statuses(answers)
    if set(counted) != {status}:
        raise context.Failed(f"statuses {dict(counted)} instead of {status}")


def _dying(clerk, many, token, ask):
    """Revoked while in use: from the first refusal, how long is it still let
    in somewhere?"""
    revoke = threading.Timer(0.5, clerk.revoke, (token,))
    revoke.start()
    answers = many.paced([ask], PER_SECOND, 2.5 * TTL)
    revoke.join()
    refused = [one.at + one.seconds for one in answers if one.status == 401]
    let_in = [one.at for one in answers if one.status == 200]
    if not refused:
        raise context.Failed("a revoked token was never refused")
    return max(0.0, max(let_in) - min(refused))


def _idle(ctx, clerk, contender):
    clerk.clear()
    setup = contenders.Setup(ttl=TTL, negative_ttl=TTL)
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        clerk.reset()
        with crowd.Crowd(httpd.port, 1) as one:
            _only(200, one.each([crowd.request(httpd.path("auth"),
                                               clerk.live_token())]))
        time.sleep(2.2 * TTL)
        calls = clerk.calls()
        httpd.stop(contender.name != contenders.OURS)
    return calls
