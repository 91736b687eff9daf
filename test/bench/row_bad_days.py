"""Point 7: Clerk hangs, fails, and is back. What does the rest of the server
feel of it?
"""

import statistics
import threading
import time

import contenders
import context
import crowd
import upstream
from report import Row

WAITING = 128
PER_SECOND, SECONDS = 200, 1.5
PAIRS, PAIRS_FULL, PEER_PAIRS = 7, 15, 2
CALM_CONNECTIONS = 4
# Longer than it all takes: they hang until the stand-in hangs up.
PATIENT = 60
LATENCY_MARK = 1.5
OPEN_REQUESTS, OPEN_MARK = 50, 1.0
FAILURES, FAST_TIMEOUT = 12, 1
# How long Clerk stays away each time: a breaker is then at another point of
# its period.
AWAY = (0.1, 0.4, 0.7, 1.0, 1.3)
RECOVERY_MARK, RECOVERY_STEP, RECOVERY_MOST = 1.0, 0.02, 15
DEADLINE_MARK = 0.050
DEADLINES = 4


def measure(ctx):
    with ctx.slow() as clerk:
        hanging, note = ctx.each(contenders.GUARDS, lambda contender:
                                 _hanging(ctx, clerk, contender))
        deadlines, _ = ctx.each(contenders.GUARDS, lambda contender:
                                _deadline(ctx, clerk, contender))
        outages, outage_note = ctx.each(
            contenders.GUARDS, lambda contender: _outage(
                ctx, clerk, contender))
    ctx.details["bad days"] = {"hanging": hanging, "deadlines": deadlines,
                               "outages": outages}
    rows = [
        Row(7, f"{WAITING} requests wait for Clerk: p99 of {what} x normal",
            context.spread(hanging, lambda r: r[place]["ratio"]), digits=2,
            at_most=LATENCY_MARK, note=(
                f"Ours: {1000 * hanging[contenders.OURS][place]['calm']:.2f} "
                f"ms normally. Of the {WAITING}, "
                f"{hanging[contenders.OURS]['waiting']} were still waiting "
                f"at the end, the others had their 503. {note}").strip())
        for what, place in (("an open page", "bare"),
                            ("a cached token", "auth"))]
    rows += [
        Row(7, f"ClerkTimeout {FAST_TIMEOUT}: off by", context.spread(
            deadlines, lambda r: 1000 * context.median(r)), "ms", digits=0,
            at_most=1000 * DEADLINE_MARK, note=(
                f"The median of {DEADLINES}. Others: their own timeouts set "
                "to the same; mod_oauth2 has one that it does not obey here."
            )),
        Row(7, "breaker open: time to a 503", context.spread(
            outages, lambda r: 1000 * r["refusal"]), "ms", digits=2,
            at_most=OPEN_MARK, note=("The median, after a dozen failures. "
                                     + outage_note).strip()),
        Row(7, f"calls to Clerk for {OPEN_REQUESTS} requests meanwhile",
            context.spread(outages, lambda r: r["calls"]),
            at_most=1, note="The one that may try whether Clerk is back."),
        Row(7, "Clerk is back: first 200 after", context.spread(
            outages, lambda r: max(r["recoveries"])), "s", digits=2,
            at_most=RECOVERY_MARK, note=f"The worst of {len(AWAY)}."),
    ]
    return rows


# ---------------------------------------------------------------------------
# Clerk hangs

def _hanging(ctx, clerk, contender):
    """p99 of who does not need Clerk, with and without many who do, in turn.
    """
    setup = contenders.Setup(timeout=PATIENT)
    pairs = {"bare": [], "auth": []}
    clerk.clear()
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        asks = {"bare": crowd.request(httpd.path("bare")),
                "auth": crowd.request(httpd.path("auth"),
                                      clerk.live_token())}
        _latencies(httpd, asks)
        try:
            for _ in range(_pairs(ctx, contender)):
                calm = _latencies(httpd, asks)
                with _Waiting(clerk, httpd) as waiting:
                    hung = _latencies(httpd, asks)
                    left = waiting.left()
                for place, both in pairs.items():
                    both.append((calm[place], hung[place]))
        finally:
            clerk.clear()
        httpd.stop(complaints_are_due=True)
    return {"waiting": left, **{place: {
        "calm": statistics.median(calm for calm, _ in both),
        "hung": statistics.median(hung for _, hung in both),
        "ratio": statistics.median(hung / calm for calm, hung in both)}
        for place, both in pairs.items()}}


def _pairs(ctx, contender):
    if contender.name != contenders.OURS:
        return PEER_PAIRS
    return PAIRS_FULL if ctx.full else PAIRS


def _latencies(httpd, asks):
    """By place: the p99 of requests at a quiet pace. An answer that does not
    come within the window counts as that long."""
    result = {}
    for place, ask in asks.items():
        with crowd.Crowd(httpd.port, CALM_CONNECTIONS) as many:
            try:
                answers = many.paced([ask], PER_SECOND, SECONDS,
                                     2 * SECONDS)
                result[place] = crowd.percentile(crowd.seconds(answers), 0.99)
            except crowd.CrowdFault:
                result[place] = 2 * SECONDS
    return result


class _Waiting:
    """So many requests with tokens that Clerk would have to be asked about,
    while it hangs."""

    def __init__(self, clerk, httpd):
        self._clerk = clerk
        self._crowd = crowd.Crowd(httpd.port, WAITING)
        self._requests = [crowd.request(httpd.path("auth"), token)
                          for token in upstream.made_up(WAITING)]
        self._thread = threading.Thread(target=self._wait)

    def __enter__(self):
        self._clerk.fault("token_info", "hang")
        self._thread.start()
        time.sleep(0.7)
        return self

    def left(self):
        return WAITING - len(self._crowd.answers)

    def __exit__(self, *_):
        self._clerk.clear()
        self._thread.join(2 * PATIENT)
        self._crowd.__exit__()

    def _wait(self):
        try:
            self._crowd.together(self._requests, PATIENT)
        except crowd.CrowdFault:
            pass


# ---------------------------------------------------------------------------
# Deadlines, the breaker, and the way back

def _deadline(ctx, clerk, contender):
    """By how much each answer misses the configured time."""
    setup = contenders.Setup(timeout=FAST_TIMEOUT)
    clerk.clear()
    clerk.fault("token_info", "hang")
    off = []
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        try:
            # Fewer than may open a breaker.
            for token in upstream.made_up(DEADLINES):
                with crowd.Crowd(httpd.port, 1) as one:
                    answer, = one.each([crowd.request(httpd.path("auth"),
                                                      token)],
                                       6 * FAST_TIMEOUT)
                off.append(abs(answer.seconds - FAST_TIMEOUT))
        finally:
            clerk.clear()
        httpd.stop(complaints_are_due=True)
    return off


def _outage(ctx, clerk, contender):
    """Clerk answers 503 to all: how fast is that passed on once it is known,
    and how soon is it noticed that Clerk is back?"""
    clerk.clear()
    _fail(clerk)
    try:
        with ctx.server(contender, clerk) as httpd:
            httpd.start(context.PROCESSES, context.THREADS)
            with crowd.Crowd(httpd.port, 1) as one:
                result = _refusals(clerk, httpd, one)
                result["recoveries"] = [
                    _recovery(clerk, httpd, one, away) for away in AWAY]
            httpd.stop(complaints_are_due=True)
    finally:
        clerk.clear()
    return result


def _refusals(clerk, httpd, one):
    tokens = upstream.made_up(FAILURES + OPEN_REQUESTS)
    asks = [crowd.request(httpd.path("auth"), token) for token in tokens]
    one.each(asks[:FAILURES])
    clerk.reset()
    answers = one.each(asks[FAILURES:])
    if crowd.statuses(answers)[200]:
        raise context.Failed("a token was let in without Clerk")
    return {"refusal": crowd.percentile(crowd.seconds(answers), 0.5),
            "calls": clerk.calls(),
            "statuses": crowd.statuses(answers)}


def _fail(clerk):
    clerk.fault("token_info", "status", code=503)


def _recovery(clerk, httpd, one, away):
    """Seconds until a token is let in that has been asked for all the while,
    after Clerk has been away for so long."""
    ask = crowd.request(httpd.path("auth"), clerk.live_token())
    clerk.clear()
    _fail(clerk)
    until = time.monotonic() + away
    while time.monotonic() < until:
        one.each([ask])
        time.sleep(RECOVERY_STEP)
    clerk.clear()
    began = time.monotonic()
    while time.monotonic() - began < RECOVERY_MOST:
        answer, = one.each([ask])
        if answer.status == 200:
            return time.monotonic() - began
        time.sleep(RECOVERY_STEP)
    raise context.Failed("no token was let in although Clerk is back")
