"""Point 1: what a cached request costs beside the same request to the bare
server: instructions, CPU time, throughput.
"""

import shutil

import callgrind
import contenders
import context
import rounds
import server
from report import Row

MOON, INSTRUCTIONS_MARK = 4000, 6000
CPU_MARK, RATE_MARK = 1.06, 0.95
SHORT, LONG = 200, 1200


def measure(ctx):
    with ctx.slow() as clerk:
        instructions = _instructions(ctx, clerk)
        results, others = rounds.run(ctx, clerk)
    ctx.details["rounds"] = {**results, "others_share_of_processors": others}
    return [*instructions, *_rows(results, others)]


# ---------------------------------------------------------------------------
# Instructions

def _instructions(ctx, clerk):
    token = clerk.live_token()
    bare = _slope(ctx, clerk, contenders.ALL[contenders.BARE], "bare", token)

    def slope(contender):
        return _slope(ctx, clerk, contender, "auth", token)

    slopes, note = ctx.each(contenders.GUARDS, slope)
    section = _slope(ctx, clerk, contenders.ALL[contenders.BARE], "sect",
                     token)
    ours = slopes[contenders.OURS]
    (ctx.options.results / "profile.txt").write_text(callgrind.report(
        ours, bare, contenders.ALL[contenders.OURS].module))
    totals = {contenders.BARE: bare.total,
              **context.spread(slopes, lambda s: s.total)}
    ctx.details["instructions"] = {**totals, "section": section.total}
    added = {name: total - bare.total for name, total in totals.items()}
    return [
        Row(1, "instructions per request", totals),
        Row(1, "instructions added", added, at_most=INSTRUCTIONS_MARK,
            note=f"The moon: {MOON:,}. Of what is added, "
                 f"{section.total - bare.total:,.0f} are httpd's own, for a "
                 f"section with Require all granted. {note}".strip()),
    ]


def _slope(ctx, clerk, contender, place, token):
    """What one more request takes: a long run less a short one, so that
    start-up falls out."""
    short, long = (_profile(ctx, clerk, contender, place, token, count)
                   for count in (SHORT, LONG))
    return callgrind.Slope(short, long, LONG - SHORT)


def _profile(ctx, clerk, contender, place, token, count):
    clerk.reset()
    with ctx.server(contender, clerk) as httpd:
        out = httpd.root / "run" / "callgrind.out"
        httpd.start(1, 8, under=callgrind.command(
            ctx.programs["valgrind"], out))
        with httpd.connect() as connection:
            for _ in range(count):
                connection.get_page(httpd.path(place), server.PAGE, token)
            connection.end()
        # What a peer complains of is its own affair: the page was right.
        httpd.stop(contender.name != contenders.OURS)
        if contender.name == contenders.OURS and count == LONG:
            shutil.copyfile(out, ctx.options.results / "callgrind.out")
        profile = callgrind.read(out)
    _expect_calls(clerk, contender, 1 if place == "auth" else 0)
    return profile


def _expect_calls(clerk, contender, wanted):
    """With one call to Clerk, all but the first came out of the cache."""
    calls = clerk.calls()
    if calls != wanted:
        raise context.Failed(
            f"{contender.name}: {calls} calls to Clerk instead of {wanted}: "
            "this was not the cached path")


# ---------------------------------------------------------------------------
# CPU time and throughput

def _rows(results, others):
    ours = results[contenders.OURS]
    bare = {contenders.BARE: 1.0}
    note = ("The median of {} pairs of rounds; with 95 % between {:.3f} and "
            "{:.3f}.")
    return [
        Row(1, "CPU time x bare", {**bare, **context.spread(
            results, lambda r: r["cpu_ratio"])}, digits=3, at_most=CPU_MARK,
            note=note.format(len(ours["cpu_ratios"]),
                             *ours["cpu_ratio_between"])
            + " In a pair two servers are under load at the same time, one at "
            "its bare and one at its guarded place, and then the other way "
            "round."),
        Row(1, "CPU time per request", {
            contenders.BARE: ours["bare_cpu_us"],
            **context.spread(results, lambda r: r["cpu_us"])}, "µs",
            digits=1),
        Row(1, "throughput x bare", {**bare, **context.spread(
            results, lambda r: r["ratio"])}, digits=3, at_least=RATE_MARK,
            note=note.format(len(ours["ratios"]), *ours["ratio_between"])
            + f" Other programs took {others:.0%} of the processors."),
        Row(1, "requests per second", {
            contenders.BARE: ours["bare_rate"],
            **context.spread(results, lambda r: r["rate"])}),
    ]
