"""Point 4: 64 requests of one token that nobody knows yet, at once: how often
is Clerk asked, and when has the last of them its answer?
"""

import contenders
import context
import crowd
from report import Row

TOGETHER = 64
DELAY = 0.2
TIME_MARK = 1.15
ROUNDS, ROUNDS_FULL = 5, 25
# name, children, threads of each
SHAPES = (("event", 4, 64), ("worker", 4, 64), ("prefork", 80, 1))


def measure(ctx):
    rows = []
    with ctx.slow() as clerk:
        for shape in SHAPES:
            rows += _shape(ctx, clerk, *shape)
    return rows


def _shape(ctx, clerk, mpm, children, threads):
    results, note = ctx.each(contenders.GUARDS, lambda contender: _rounds(
        ctx, clerk, contender, (mpm, children, threads)))
    ctx.details.setdefault("flights", {})[mpm] = results
    return [
        Row(4, f"{mpm}, {children} children: calls for {TOGETHER} requests",
            context.spread(results, lambda r: max(r["calls"])), at_most=1,
            note=note),
        Row(4, f"{mpm}: of them answered with the page", context.spread(
            results, lambda r: min(r["answered"])), at_least=TOGETHER),
        Row(4, f"{mpm}: slowest answer / upstream's time", context.spread(
            results, lambda r: context.median(r["slowest"]) / DELAY),
            digits=2, at_most=TIME_MARK),
    ]


def _rounds(ctx, clerk, contender, shape):
    mpm, children, threads = shape
    calls, slowest, answered = [], [], []
    clerk.clear()
    clerk.delay(DELAY)
    with ctx.server(contender, clerk) as httpd:
        httpd.start(children, threads, mpm=mpm)
        with crowd.Crowd(httpd.port, TOGETHER) as many:
            # The first is there to get warm.
            for number in range(-1, ROUNDS_FULL if ctx.full else ROUNDS):
                token = clerk.live_token()
                clerk.reset()
                answers = many.together(
                    [crowd.request(httpd.path("auth"), token)] * TOGETHER)
                if number >= 0:
                    answered.append(crowd.statuses(answers)[200])
                    calls.append(clerk.calls())
                    slowest.append(max(one.seconds for one in answers))
        httpd.stop(contender.name != contenders.OURS)
    clerk.clear()
    return {"calls": calls, "slowest": slowest, "answered": answered}
