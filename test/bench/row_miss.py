"""Point 3: tokens that nobody has asked about yet: how many a second, and at
what cost. The upstream answers at once, over TLS whose certificate is verified.
"""

import base64
import secrets
import time

import callgrind
import contenders
import context
import server
import upstream
from report import Row

RATE_MARK, CONNECTIONS_MARK, INSTRUCTIONS_MARK = 8000, 0.01, 150_000
SECONDS, ROUNDS, ROUNDS_FULL = 2, 5, 15
REST = 0.3
SHORT, LONG = 200, 1200
# A peer's miss takes fifty times as long, and needs no such sharp look.
PEER_SHORT, PEER_LONG = 20, 120
# Of a round; enough that none comes twice.
TOKENS = 10_000_000
# The cache forgets meanwhile, which is what it does under such a load.
SETUP = contenders.Setup(tokens=500)


def measure(ctx):
    with ctx.fast() as clerk:
        direct = _direct(ctx, clerk)
        rates, note = ctx.each(contenders.GUARDS, lambda contender: _rate(
            ctx, clerk, contender))
        proxy = _rate(ctx, clerk, contenders.PROXY)
        bare = _slope(ctx, clerk, contenders.ALL[contenders.BARE], "bare")
        slopes, _ = ctx.each(contenders.GUARDS, lambda contender: _slope(
            ctx, clerk, contender, "auth"))
    ours = contenders.ALL[contenders.OURS]
    with ctx.fast(http2=False) as clerk:
        older = _slope(ctx, clerk, ours, "auth")
    (ctx.options.results / "profile-miss.txt").write_text(
        callgrind.report(slopes[ours.name], bare, ours.module))
    ctx.details["misses"] = {**rates, "proxy": proxy, "direct": direct}
    return [
        Row(3, "verifications per second", context.spread(
            rates, lambda r: r["rate"]), at_least=RATE_MARK, note=(
            f"Server, upstream and load generator share the processors. wrk "
            f"alone gets {direct:,.0f} a second from the upstream, and "
            f"through httpd's reverse proxy {proxy['rate']:,.0f}. {note}"
            .strip())),
        Row(3, "server's CPU time per verification", context.spread(
            rates, lambda r: r["cpu_us"]), "µs", digits=0),
        Row(3, "connections opened per verification", context.spread(
            rates, lambda r: r["connections"]), digits=4,
            at_most=CONNECTIONS_MARK),
        Row(3, "instructions per miss", context.spread(
            slopes, lambda slope: slope.total - bare.total),
            at_most=INSTRUCTIONS_MARK, note="Above the bare server's for the "
            "same request. mod_oauth2 cannot be given trust anchors for this "
            "call; it is let off with no verification."),
        Row(3, "the same over HTTP/1.1", {ours.name: older.total - bare.total},
            at_most=INSTRUCTIONS_MARK, note="With an upstream that does not "
            "offer HTTP/2."),
    ]


def _direct(ctx, clerk):
    """What the upstream itself can do: the same calls, from wrk."""
    login = f"{clerk.client_id}:{clerk.client_secret}".encode()
    done = ctx.wrk().ask(
        clerk.url + upstream.PATH, "token=" + upstream.made_up(1)[0],
        "Basic " + base64.b64encode(login).decode(), SECONDS)
    return done.requests / done.seconds


def _rate(ctx, clerk, contender):
    proxied = contender is contenders.PROXY
    rounds = []
    with ctx.server(contender, clerk, SETUP) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        size = None
        if not proxied:
            with httpd.connect() as connection:
                size = connection.get_page(httpd.path("auth"), server.PAGE,
                                           upstream.made_up(1)[0])
        # The first is there to get warm: connections are made once.
        for number in range(-1, ROUNDS_FULL if ctx.full else ROUNDS):
            # What the round before left under way would count as waiting.
            time.sleep(REST)
            clerk.reset()
            cpu = httpd.cpu_seconds()
            began = time.monotonic()
            done = ctx.wrk().run_many(httpd.url("auth"), secrets.token_hex(8),
                                      TOKENS, SECONDS, size)
            took = time.monotonic() - began
            cpu = httpd.cpu_seconds() - cpu
            ctx.own_cpu += cpu + done.client_cpu
            if number >= 0:
                rounds.append(_result(clerk, done, cpu, took))
        _check(contender, clerk, rounds)
        # A cache that is full may say so.
        httpd.stop(complaints_are_due=True)
    return {key: context.median(one[key] for one in rounds)
            for key in rounds[0]}


def _result(clerk, done, cpu, took):
    calls = clerk.calls()
    return {"rate": done.requests / done.seconds,
            "calls_per_request": calls / done.requests,
            "connections": clerk.connections() / calls,
            "cpu_us": 1e6 * cpu / calls, "took": took}


def _check(contender, clerk, rounds):
    """What was under way at a round's end was asked but not counted."""
    for one in rounds:
        if not 0.99 <= one["calls_per_request"] <= 1.2:
            raise context.Failed(
                f"{contender.name}: {one['calls_per_request']:.2f} calls per "
                f"request to {clerk.url}: this was not the path of misses")


def _slope(ctx, clerk, contender, place):
    peer = contender.name in contenders.PEERS
    counts = (PEER_SHORT, PEER_LONG) if peer else (SHORT, LONG)
    short, long = (_profile(ctx, clerk, contender, place, count)
                   for count in counts)
    return callgrind.Slope(short, long, counts[1] - counts[0])


def _profile(ctx, clerk, contender, place, count):
    tokens = upstream.made_up(count)
    clerk.reset()
    with ctx.server(contender, clerk, SETUP) as httpd:
        out = httpd.root / "run" / "callgrind.out"
        httpd.start(1, 8, under=callgrind.command(
            ctx.programs["valgrind"], out))
        with httpd.connect() as connection:
            for token in tokens:
                connection.get_page(httpd.path(place), server.PAGE, token)
            connection.end()
        httpd.stop(contender.name != contenders.OURS)
        profile = callgrind.read(out)
    calls = clerk.calls()
    if calls != (count if place == "auth" else 0):
        raise context.Failed(f"{contender.name}: {calls} calls for {count} "
                             "unknown tokens")
    return profile
