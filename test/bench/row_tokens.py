"""Point 2: so many live tokens, one after the other: are they all remembered,
and how much memory does it take?
"""

import contenders
import context
import crowd
import machine
import upstream
from report import Row

TOKENS = 50_000
# What the others are asked for: they look at every entry of their cache for
# each request, and 50,000 would take them half an hour each.
PEER_TOKENS, PEER_TOKENS_FULL = 2_000, 10_000
MEMORY_MARK, CHILD_MARK = 32, 4
CONNECTIONS = 32


def measure(ctx):
    with ctx.fast() as clerk:
        results, note = ctx.each(contenders.GUARDS, lambda contender: _one(
            ctx, clerk, contender, _count(ctx, contender)))
        bare = _one(ctx, clerk, contenders.ALL[contenders.BARE], TOKENS)
    ctx.details["tokens"] = {**results, contenders.BARE: bare}
    everyone = {contenders.BARE: bare, **results}
    above = {name: result["child"] - bare["child"]
             for name, result in everyone.items()}
    size = contenders.cache_bytes(TOKENS) / machine.MIB
    return [
        Row(2, "live tokens", context.spread(
            results, lambda r: r["tokens"])),
        Row(2, "hits in the second round", context.spread(
            results, lambda r: 100 * r["hits"]), "%", digits=3,
            at_least=100, note=f"With a SOCache of {size:.1f} MiB. "
                               f"{note}".strip()),
        Row(2, "memory of the whole server", context.spread(
            everyone, lambda r: r["all"]), "MiB", digits=1,
            at_most=MEMORY_MARK, note="What each process has for itself, and "
            "what several share, once."),
        Row(2, "a child's own memory above the bare one's", above, "MiB",
            digits=1, at_most=CHILD_MARK),
        Row(2, "of the whole server above the bare one", {
            name: result["all"] - bare["all"]
            for name, result in everyone.items()}, "MiB", digits=1),
    ]


def _count(ctx, contender):
    if contender.name == contenders.OURS:
        return TOKENS
    return PEER_TOKENS_FULL if ctx.full else PEER_TOKENS


def _one(ctx, clerk, contender, count):
    tokens = upstream.made_up(count)
    place = "bare" if contender.name == contenders.BARE else "auth"
    setup = contenders.Setup(tokens=count)
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        path = httpd.path(place)
        _round(httpd, path, tokens)
        clerk.reset()
        _round(httpd, path, tokens)
        calls = clerk.calls()
        memory = machine.memory_of_all(httpd.processes) / machine.MIB
        child = max(machine.memory_of_its_own(pid)
                    for pid in httpd.children()) / machine.MIB
        httpd.stop(contender.name != contenders.OURS)
    return {"tokens": count, "hits": 1 - calls / count, "all": memory,
            "child": child}


def _round(httpd, path, tokens):
    """Every token once; all are let in."""
    with crowd.Crowd(httpd.port, CONNECTIONS) as many:
        answers = many.each(crowd.request(path, token) for token in tokens)
    counted = crowd.statuses(answers)
    if counted != {200: len(tokens)}:
        raise context.Failed(f"statuses {dict(counted)} instead of 200")
