"""Point 8: does a hit cost more with more tokens, or with more connections?"""

import statistics

import contenders
import context
import crowd
import plot
import server
import upstream
from report import Row

TOKENS, TOKENS_FULL = (1, 100, 10_000), (1, 10, 100, 1_000, 10_000, 100_000)
# The others look at every entry of their cache for each request.
PEER_TOKENS_MOST, PEER_TOKENS_MOST_FULL = 1_000, 10_000
CONNECTIONS, CONNECTIONS_FULL = (1, 4, 16, 64), (1, 2, 4, 8, 16, 32, 64)
ROUNDS, ROUNDS_FULL, PEER_ROUNDS, SECONDS = 7, 15, 2, 1
# One start of a server has other luck with its memory than the next.
STARTS, ROUNDS_OF_START, ROUNDS_OF_START_FULL = 3, 3, 6
GROWTH_MARK = 1.10
FILLERS = 16


def _rounds(ctx, contender):
    if contender.name != contenders.OURS:
        return PEER_ROUNDS
    return ROUNDS_FULL if ctx.full else ROUNDS


def _rounds_of_start(ctx, contender):
    if contender.name != contenders.OURS:
        return PEER_ROUNDS
    return ROUNDS_OF_START_FULL if ctx.full else ROUNDS_OF_START


def measure(ctx):
    with ctx.fast() as clerk:
        tokens, note = ctx.each(contenders.GUARDS, lambda contender: {
            count: cost for count, cost in _by_tokens(ctx, clerk, contender)})
        threads, more = ctx.each(contenders.GUARDS, lambda contender:
                                 _by_connections(ctx, clerk, contender))
    bare = {"tokens": {count: both[0] for count, both in
                       tokens[contenders.OURS].items()},
            "threads": {count: both["bare"] for count, both in
                        threads[contenders.OURS].items()}}
    ctx.details["growth"] = {"tokens": tokens, "threads": threads}
    _draw(ctx, tokens, threads, bare)
    return [*_token_rows(tokens, note),
            *_connection_rows(threads, bare["threads"], more)]


# ---------------------------------------------------------------------------
# Tokens

def _by_tokens(ctx, clerk, contender):
    """For each number of tokens: CPU µs of a bare request and of a hit, and
    the median of what one is of the other."""
    ours = contender.name == contenders.OURS
    most = PEER_TOKENS_MOST_FULL if ctx.full else PEER_TOKENS_MOST
    counts = [count for count in (TOKENS_FULL if ctx.full else TOKENS)
              if ours or count <= most]
    rounds = {count: [] for count in counts}
    for _ in range(STARTS if ours else 1):
        for count in counts:
            rounds[count] += _hits(ctx, clerk, contender, count)
    for count in counts:
        yield count, [statistics.median(bare for bare, _ in rounds[count]),
                      statistics.median(auth for _, auth in rounds[count]),
                      statistics.median(auth / bare
                                        for bare, auth in rounds[count])]


def _hits(ctx, clerk, contender, count):
    """(CPU µs of a bare request, of a hit) for each round of one server."""
    mark = "feed"
    tokens = upstream.made_up(count, mark)
    setup = contenders.Setup(tokens=count)
    wrk = ctx.wrk()
    rounds = []
    with ctx.server(contender, clerk, setup) as httpd:
        httpd.start(context.PROCESSES, context.THREADS)
        _fill(httpd, tokens)
        with httpd.connect() as connection:
            sizes = {place: connection.get_page(
                httpd.path(place), server.PAGE, tokens[0])
                for place in ("bare", "auth")}
        clerk.reset()
        for number in range(-1, _rounds_of_start(ctx, contender)):
            costs = []
            for place in sizes:
                before = httpd.cpu_seconds()
                done = wrk.run_many(httpd.url(place), mark, count, SECONDS,
                                    sizes[place])
                cpu = httpd.cpu_seconds() - before
                ctx.own_cpu += cpu + done.client_cpu
                costs.append(1e6 * cpu / done.requests)
            if number >= 0:
                rounds.append(costs)
        if clerk.calls():
            raise context.Failed(f"{contender.name}: {clerk.calls()} calls "
                                 f"with {count:,} tokens in the cache")
        httpd.stop(contender.name != contenders.OURS)
    return rounds


def _fill(httpd, tokens):
    with crowd.Crowd(httpd.port, FILLERS) as many:
        # The second time all children have seen most of them.
        for _ in range(2):
            answers = many.each(crowd.request(httpd.path("auth"), token)
                                for token in tokens)
    if set(crowd.statuses(answers)) != {200}:
        raise context.Failed(f"statuses {dict(crowd.statuses(answers))}")


def _token_rows(tokens, note):
    ours = tokens[contenders.OURS]
    first, last = min(ours), max(ours)
    for count in ours:
        yield Row(8, f"{count:,} tokens: CPU time of a hit", {
            contenders.BARE: ours[count][0],
            **{name: costs[count][1] for name, costs in tokens.items()
               if count in costs}}, "µs", digits=1)
    # Against the bare request of the same rounds: noise of minutes falls out.
    def growth(costs):
        return costs[max(costs)][2] / costs[min(costs)][2]

    yield Row(8, f"a hit x bare, {last:,} tokens against {first:,}", {
        name: growth(costs) for name, costs in tokens.items()}, digits=2,
        at_most=GROWTH_MARK, note="Others: up to the most that they were "
        f"given. {note}".strip())


# ---------------------------------------------------------------------------
# Connections

def _by_connections(ctx, clerk, contender):
    """For each number of connections: requests per second of both places, and
    the median of what one is of the other."""
    result = {}
    with ctx.server(contender, clerk) as httpd:
        # With as many threads as connections, a process that accepts them all
        # would close some.
        httpd.start(context.PROCESSES, 2 * max(CONNECTIONS))
        token = upstream.made_up(1)[0]
        with httpd.connect() as connection:
            sizes = {place: connection.get_page(
                httpd.path(place), server.PAGE, token)
                for place in ("bare", "auth")}
        for count in CONNECTIONS_FULL if ctx.full else CONNECTIONS:
            result[count] = _rates(ctx, httpd, (token, sizes), count,
                                   _rounds(ctx, contender))
        httpd.stop(contender.name != contenders.OURS)
    return result


def _rates(ctx, httpd, what, count, rounds):
    token, sizes = what
    wrk = ctx.wrk(count)
    rates, costs = [], []
    for _ in range(rounds):
        pair, cost = [], []
        for place in ("bare", "auth"):
            before = httpd.cpu_seconds()
            done = wrk.run(httpd.url(place), token, SECONDS, sizes[place])
            cpu = httpd.cpu_seconds() - before
            ctx.own_cpu += cpu + done.client_cpu
            pair.append(done.requests / done.seconds)
            cost.append(cpu / done.requests)
        rates.append(pair)
        costs.append(cost)
    return {"bare": statistics.median(bare for bare, _ in rates),
            "auth": statistics.median(auth for _, auth in rates),
            "cpu_ratio": statistics.median(auth / bare
                                           for bare, auth in costs)}


def _connection_rows(threads, bare, note):
    first, last = min(bare), max(bare)
    for count in bare:
        yield Row(8, f"{count} connections: requests per second", {
            contenders.BARE: bare[count], **{
                name: result[count]["auth"]
                for name, result in threads.items()}})
    yield Row(8, f"CPU time x bare, {last} connections against {first}",
              {name: result[last]["cpu_ratio"] / result[first]["cpu_ratio"]
               for name, result in threads.items()}, digits=2,
              at_most=GROWTH_MARK, note=note)


# ---------------------------------------------------------------------------

def _draw(ctx, tokens, threads, bare):
    """The plot: two charts, a line for each."""
    cost = [plot.Line(contenders.BARE, sorted(bare["tokens"].items()))]
    rate = [plot.Line(contenders.BARE, sorted(bare["threads"].items()))]
    for name in tokens:
        cost.append(plot.Line(name, sorted(
            (count, both[1]) for count, both in tokens[name].items())))
    for name in threads:
        rate.append(plot.Line(name, sorted(
            (count, both["auth"]) for count, both in threads[name].items())))
    (ctx.options.results / "growth.svg").write_text(plot.draw([
        plot.Chart("CPU time of a hit, by live tokens", "tokens",
                   "µs per request", cost),
        plot.Chart("Requests per second, by connections", "connections",
                   "requests per second", rate)]))
