"""The edges of the leeway, to the second, against a clock that runs.

Tokens are made whose leeway begins or ends at the next whole second. Each is
sent shortly before and right after it; the client, whose clock can be set, is
asked for the same moments.
"""

import math
import time

import pytest

from cases import Mint, parts

LEEWAY = 5
ATTEMPTS = 5
KINDS = {"oauth_jwt": "oauth_token", "session_token": "session_token",
         "m2m_jwt": "m2m_token"}
# The claim, and what it is at the edge, seen from there.
CLAIMS = {"exp": -LEEWAY, "nbf": LEEWAY, "iat": LEEWAY}


def sleep_until(moment):
    time.sleep(max(0, moment - time.time()))


def made(clerk, edge):
    for kind, accepts in KINDS.items():
        mint = Mint(clerk, kind)
        header, claims = parts(mint.good())
        # what is not on trial stands well within its own bounds
        claims.update(iat=edge - 60, nbf=edge - 60, exp=edge + 60)
        for claim, distance in CLAIMS.items():
            yield kind, accepts, claim, mint.written(
                header, {**claims, claim: edge + distance})


def around(clerk, module):
    """Answers before and after the edge, if all of them came in time."""
    edge = math.ceil(time.time()) + 2
    asked = {False: [], True: []}
    trials = list(made(clerk, edge))
    for after in (False, True):
        sleep_until(edge if after else edge - 0.25)
        for kind, accepts, claim, token in trials:
            ours, times = module.ask(token, accepts)
            asked[after].append((kind, claim, token, accepts, ours, times))
    in_time = (asked[False][-1][-1][1] < edge * 1000
               and asked[True][0][-1][0] >= edge * 1000
               and asked[True][-1][-1][1] < (edge + 1) * 1000)
    return asked if in_time else None


@pytest.fixture(scope="module")
def asked(clerk, module):
    for _ in range(ATTEMPTS):
        answers = around(clerk, module)
        if answers:
            return answers
    raise AssertionError("this machine is too slow to meet an edge")


@pytest.mark.parametrize("after", [False, True])
def test_both_sides_turn_at_the_same_second(asked, sdk, after):
    verdicts = sdk.ask([(token, accepts, times) for _, _, token, accepts, _,
                        times in asked[after]])
    for (kind, claim, _, _, ours, _), theirs in zip(asked[after], verdicts):
        wanted = after if claim in ("nbf", "iat") else not after
        said = [ours.accepted, *(verdict["accepted"] for verdict in theirs)]
        assert said == [wanted] * 3, (kind, claim, ours, theirs)
