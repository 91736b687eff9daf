"""CPU time and throughput of a cached request beside the bare one.

Throughput: both places of one server, back to back, every second time the
other way round. CPU time: two servers at the same time, one at its bare and one
at its guarded place, and then the other way round, so that what else the
machine does meets both alike; two servers that happened to be laid out
differently in memory fall out, too.
"""

import contextlib
import math
import threading

import contenders
import context
import machine
import server

PLACES = ("bare", "auth")
# Above this share of its threads the load generator is what is measured.
CLIENT_BUSY_MAX = 0.9
# A peer's ratio is far from the marks, and a few of the pairs tell it.
PEER_EVERY = 4


def run(ctx, clerk):
    """By contender: its ratios. And the share of the processors that others
    took meanwhile."""
    watch, own = machine.Watch(), ctx.own_cpu
    clerk.reset()
    with contextlib.ExitStack() as stack:
        sides = [_Side(ctx, clerk, contender, [stack.enter_context(
            ctx.server(contender, clerk)) for _ in range(2)])
            for contender in ctx.guards()]
        # The first pair is there to get warm, and does not count.
        for number in range(-1, ctx.options.pairs):
            for side in sides:
                if side.contender.name == contenders.OURS or (
                        number < 0 or number % PEER_EVERY == 0):
                    side.pair(number, count=number >= 0)
                    side.duel(count=number >= 0)
        results = {side.contender.name: side.end() for side in sides}
    calls = clerk.calls()
    if calls != 2 * len(sides):
        raise context.Failed(f"{calls} calls to Clerk instead of "
                             f"{2 * len(sides)}: not the cached path")
    return results, watch.others(ctx.own_cpu - own)


class _Side:
    """One module's two servers, each with its guarded and its bare place."""

    def __init__(self, ctx, clerk, contender, servers):
        self.ctx = ctx
        self.contender = contender
        self.servers = servers
        self.token = clerk.live_token()
        self.rounds = {place: [] for place in PLACES}
        self.duels = []
        self.sizes = {}
        for httpd in servers:
            httpd.start(context.PROCESSES, context.THREADS)
            self._warm_up(httpd)
        self.children = [httpd.children() for httpd in servers]

    def _warm_up(self, httpd):
        """Is the guarded place guarded, and the other not? Finds the length
        of a whole answer by place."""
        with httpd.connect() as connection:
            status, _, _ = connection.get(httpd.path("auth"))
            if status != 401:
                raise context.Failed(f"without a token the guarded place "
                                     f"answers {status}")
            self.sizes = {place: connection.get_page(
                httpd.path(place), server.PAGE, self.token)
                for place in PLACES}

    def pair(self, number, count):
        """Both places of one server, one after the other."""
        httpd = self.servers[0]
        for place in PLACES if number % 2 == 0 else PLACES[::-1]:
            done, cpu = self._round(httpd, place, context.CONNECTIONS)
            self.ctx.own_cpu += cpu + done.client_cpu
            if count:
                self.rounds[place].append((done, cpu))

    def duel(self, count):
        """Two servers at the same time, and again with places swapped."""
        costs = [self._at_the_same_time(servers)
                 for servers in (self.servers, self.servers[::-1])]
        if count:
            self.duels.append(costs)

    def _at_the_same_time(self, servers):
        """By place: CPU seconds per request."""
        costs, faults = {}, []

        def one(httpd, place):
            try:
                done, cpu = self._round(httpd, place,
                                        context.CONNECTIONS // 2)
                costs[place] = cpu / done.requests
                self.ctx.own_cpu += cpu
            except context.FAULTS as fault:
                faults.append(fault)

        threads = [threading.Thread(target=one, args=args)
                   for args in zip(servers, PLACES)]
        before = machine.client_cpu()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.ctx.own_cpu += machine.client_cpu() - before
        if faults:
            raise faults[0]
        return costs

    def _round(self, httpd, place, connections):
        before = httpd.cpu_seconds()
        done = self.ctx.wrk(connections).run(
            httpd.url(place), self.token, self.ctx.options.seconds,
            self.sizes[place])
        return done, httpd.cpu_seconds() - before

    def end(self):
        for httpd, children in zip(self.servers, self.children):
            self._warm_up(httpd)
            if httpd.children() != children:
                raise context.Failed("children came or went while it was "
                                     "measured")
            httpd.stop(self.contender.name != contenders.OURS)
        return {**_throughput(self.rounds, self.ctx.wrk().threads),
                **_cpu(self.duels)}


def _throughput(rounds, client_threads):
    pairs = list(zip(*(rounds[place] for place in PLACES)))
    ratios = [_rate(auth) / _rate(bare) for (bare, _), (auth, _) in pairs]
    busy = max(done.client_cpu / done.seconds / client_threads
               for side in rounds.values() for done, _ in side)
    if busy > CLIENT_BUSY_MAX:
        raise context.Failed(
            f"wrk was busy for {busy:.0%} of the time and not the server: "
            "give it more threads (--wrk-threads)")
    return {
        "ratios": [round(ratio, 4) for ratio in ratios],
        "ratio": context.median(ratios),
        "ratio_between": context.median_interval(ratios),
        "bare_rate": context.median(_rate(bare) for (bare, _), _ in pairs),
        "rate": context.median(_rate(auth) for _, (auth, _) in pairs),
        "client_busy": round(busy, 3),
    }


def _rate(done):
    return done.requests / done.seconds


def _cpu(duels):
    # The geometric mean of a duel's two: what is between the servers is in one
    # of them above and in the other below.
    ratios = [math.sqrt(math.prod(costs["auth"] / costs["bare"]
                                  for costs in duel)) for duel in duels]
    each = [costs for duel in duels for costs in duel]
    return {
        "cpu_ratios": [round(ratio, 4) for ratio in ratios],
        "cpu_ratio": context.median(ratios),
        "cpu_ratio_between": context.median_interval(ratios),
        "bare_cpu_us": context.median(1e6 * one["bare"] for one in each),
        "cpu_us": context.median(1e6 * one["auth"] for one in each),
    }
