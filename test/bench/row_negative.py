"""Point 6: tokens that are dead, made up, or no tokens at all: what they cost
Clerk, and whether they push out the live ones.
"""

import itertools
import secrets
import time

import contenders
import context
import crowd
import upstream
from report import Row

CONNECTIONS = 32
DEAD_REQUESTS, DEAD_TTL = 2000, 60
RATE, FLOOD_SECONDS, FLOOD_SECONDS_FULL = 100, 5, 20
LIVE, PEER_LIVE = 10_000, 1_000
# While the live tokens have to stay. The default lets them in in two minutes.
LIVE_RATE, LIVE_RATE_FULL = "1000/1", "800/10"
NEGATIVE_TTL = 10
RANDOM, RANDOM_FULL = 50_000, 1_000_000
# Others take a thousandth of a second and more for each of them.
PEER_SECONDS, PEER_SECONDS_FULL = 10, 60
# Of one round of wrk; each has tokens of its own.
ROUND = 5
MANY = 10_000_000
REST = 1

NO_TOKENS = (
    "Bearer", "Bearer ", "Bearer a b", "Bearer oat_%%%", "Bearer oat_",
    "Bearer nothing-of-clerks", "Bearer " + "x" * 5000, "Bearer a.b.c",
    "Basic bm9ib2R5OnNlY3JldA==", "Bearer mt_0123456789", "Bearer ak_0",
    "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer\toat_0", "Bearer oat_=x",
    "Bearer sk_test_0123456789")


def measure(ctx):
    rate = LIVE_RATE_FULL if ctx.full else LIVE_RATE
    with ctx.fast() as clerk:
        dead, note = ctx.each(contenders.GUARDS, lambda contender: _dead(
            ctx, clerk, contender))
        none, _ = ctx.each(contenders.GUARDS, lambda contender: _none(
            ctx, clerk, contender))
        floods, _ = ctx.each(contenders.GUARDS, lambda contender: _flood(
            ctx, clerk, contender))
        limited, limited_note = ctx.each(
            contenders.GUARDS, lambda contender: _survivors(
                ctx, clerk, contender, rate))
        free, _ = ctx.each((contenders.OURS,), lambda contender: _survivors(
            ctx, clerk, contender, contenders.NO_LIMIT))
    ctx.details["negative"] = {"floods": floods, "limited": limited,
                               "free": free}
    seconds = FLOOD_SECONDS_FULL if ctx.full else FLOOD_SECONDS
    return [
        Row(6, f"dead token, {DEAD_REQUESTS:,} requests in one negative TTL: "
               "calls", dead, at_most=1, note=note),
        Row(6, f"{len(NO_TOKENS)} malformed and impossible tokens: calls",
            none, at_most=0),
        Row(6, f"flood at ClerkRateLimit {RATE}/1: calls per second",
            context.spread(floods, lambda r: r["calls"]), at_most=(
                RATE * (seconds + 1.05) / seconds),
            note="The bucket is full to begin with. " + "; ".join(
                f"{name}: {flood['text']}"
                for name, flood in floods.items())),
        *_survivor_rows(rate, limited, limited_note, free),
    ]


def _survivor_rows(rate, limited, note, free):
    asked = free[contenders.OURS]
    return [
        Row(6, "random tokens that came between", context.spread(
            limited, lambda r: r["random"])),
        Row(6, f"live tokens that still hit, ClerkRateLimit {rate}",
            context.spread(limited, lambda r: 100 * r["hits"]), "%",
            digits=2, at_least=100, note=(
                f"Of {LIVE:,} (others: {PEER_LIVE:,} in the short run). "
                f"{note}").strip()),
        Row(6, "live tokens that still hit, no limit", context.spread(
            free, lambda r: 100 * r["hits"]), "%", digits=2,
            at_least=100, note=f"{asked['random']:,} random tokens, of "
                 f"which {asked['calls']:,} were asked about and found dead."
            ),
    ]


def _requests(httpd, tokens):
    path = httpd.path("auth")
    return (crowd.request(path, token) for token in tokens)


def _dead(ctx, clerk, contender):
    """Calls for one dead token, asked for again and again."""
    clerk.say_no()
    setup = contenders.Setup(negative_ttl=DEAD_TTL)
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        token = upstream.made_up(1)
        clerk.reset()
        with crowd.Crowd(httpd.port, CONNECTIONS) as many:
            answers = many.each(_requests(httpd, token * DEAD_REQUESTS))
        calls = clerk.calls()
        httpd.stop(complaints_are_due=True)
    clerk.say_no(False)
    _must_be({401}, answers)
    return calls


def _none(ctx, clerk, contender):
    """Calls for what no token can be."""
    clerk.say_no()
    with ctx.server(contender, clerk) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        clerk.reset()
        with crowd.Crowd(httpd.port, 1) as one:
            answers = one.each(crowd.request(httpd.path("auth"), field=field)
                               for field in NO_TOKENS)
        calls = clerk.calls()
        httpd.stop(complaints_are_due=True)
    clerk.say_no(False)
    if crowd.statuses(answers)[200]:
        raise context.Failed("something that is no token was let in")
    return calls


def _flood(ctx, clerk, contender):
    """Calls per second, and what the flood was answered."""
    clerk.say_no()
    seconds = FLOOD_SECONDS_FULL if ctx.full else FLOOD_SECONDS
    setup = contenders.Setup(rate=f"{RATE}/1")
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        until = time.monotonic() + seconds
        tokens = itertools.takewhile(
            lambda _: time.monotonic() < until,
            itertools.chain.from_iterable(
                upstream.made_up(10_000) for _ in itertools.count()))
        clerk.reset()
        began = time.monotonic()
        with crowd.Crowd(httpd.port, CONNECTIONS) as many:
            answers = many.each(_requests(httpd, tokens))
        took = time.monotonic() - began
        calls = clerk.calls()
        httpd.stop(complaints_are_due=True)
    clerk.say_no(False)
    _must_be({401, 503}, answers)
    counted = crowd.statuses(answers)
    text = ", ".join(f"{count:,} times {status}"
                     for status, count in sorted(counted.items()))
    return {"calls": calls / took, "text": text, "requests": len(answers)}


def _must_be(statuses, answers):
    counted = crowd.statuses(answers)
    if not set(counted) <= statuses:
        raise context.Failed(f"statuses {dict(counted)} instead of "
                             f"{sorted(statuses)}")


def _survivors(ctx, clerk, contender, rate):
    """Live tokens, then random ones, then the live ones again: which of those
    does the cache still know?"""
    ours = contender.name == contenders.OURS
    count = LIVE if ours or ctx.full else PEER_LIVE
    live = upstream.made_up(count)
    setup = contenders.Setup(negative_ttl=NEGATIVE_TTL,
                             tokens=count, rate=rate)
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        clerk.say_no(False)
        with crowd.Crowd(httpd.port, CONNECTIONS) as many:
            _fill(many, httpd, live, rate)
        clerk.say_no()
        clerk.reset()
        # Not beside the crowd's connections, which would be too many for one
        # process.
        sent = _storm(ctx, httpd, ours)
        # What was under way when wrk ended is done then.
        time.sleep(REST)
        calls = clerk.calls()
        clerk.reset()
        with crowd.Crowd(httpd.port, CONNECTIONS) as many:
            answers = many.each(_requests(httpd, live))
        hits = crowd.statuses(answers)[200] / count
        again = clerk.calls()
        httpd.stop(complaints_are_due=True)
    clerk.say_no(False)
    return {"random": sent, "calls": calls,
            "hits": max(0, min(hits, 1 - again / count))}


def _fill(many, httpd, live, rate):
    """Until all are in: what is over the limit is asked again."""
    missing, until = list(live), time.monotonic() + 300
    while missing:
        if time.monotonic() > until:
            raise context.Failed(f"{len(missing)} live tokens are not in yet")
        answers = many.each(_requests(httpd, missing))
        counted = crowd.statuses(answers)
        if not set(counted) <= {200, 503}:
            raise context.Failed(f"{rate}: statuses {dict(counted)} for live "
                                 "tokens")
        # Answers come in any order: as many are missing as were not let in,
        # and those that are in cost nothing to ask again.
        if set(counted) == {200}:
            return
        time.sleep(1)


def _storm(ctx, httpd, ours):
    """Random tokens, as fast as they go; how many there were."""
    wanted = RANDOM_FULL if ctx.full else RANDOM
    limit = float("inf") if ours else (
        PEER_SECONDS_FULL if ctx.full else PEER_SECONDS)
    sent, began = 0, time.monotonic()
    while sent < wanted and time.monotonic() - began < limit:
        done = ctx.wrk(CONNECTIONS).run_many(
            httpd.url("auth"), secrets.token_hex(8), MANY, ROUND)
        ctx.own_cpu += done.client_cpu
        sent += done.requests
    return sent
