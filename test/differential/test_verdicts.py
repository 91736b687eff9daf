"""Every token is accepted by both sides or by none, but for those that
stricter.py lists; and what is accepted is the same on both sides."""

import pytest

import cases
from sides import ACCEPTS, Answer
from stricter import BY_CONTRACT, HALF_AN_ANSWER, STRICTER

ATTEMPTS = 5


class Compared:
    """One token at one location."""

    def __init__(self, name, accepts, ours, theirs):
        self.name, self.accepts = name, accepts
        self.ours, self.theirs = ours, theirs

    def __repr__(self):
        return (f"{self.name}, at {self.accepts}: the module {self.ours}, "
                f"the client {self.theirs}")


def read(verdict):
    if verdict["accepted"] and "threw" not in verdict:
        return Answer(True, verdict["kind"], verdict["kind"],
                      verdict.get("subject"))
    return Answer(verdict["accepted"],
                  verdict.get("reason") or verdict["threw"])


def compare(clerk, module, sdk, only=None):
    """Every case at every location; also those that have to be asked again,
    since a moment of theirs came while they were asked."""
    asked = []
    for name, token in cases.every(clerk):
        if only is not None and name not in only:
            continue
        for accepts in ACCEPTS:
            ours, times = module.ask(token, accepts)
            asked.append((name, token, accepts, ours, times))
    found, again = [], set()
    verdicts = sdk.ask([(token, accepts, times)
                        for _, token, accepts, _, times in asked])
    for (name, _, accepts, ours, _), (early, late) in zip(asked, verdicts):
        if early["accepted"] != late["accepted"]:
            again.add(name)
        found.append(Compared(name, accepts, ours, read(late)))
    return [one for one in found if one.name not in again], again


@pytest.fixture(scope="module")
def compared(clerk, module, sdk):
    found, again = compare(clerk, module, sdk)
    for _ in range(ATTEMPTS):
        if not again:
            break
        more, again = compare(clerk, module, sdk, only=again)
        found += more
    assert not again, f"never asked at one moment: {again}"
    return found


def lines(those):
    return "\n".join(["", *map(repr, those)])


def test_the_cases_are_many_and_of_both_sorts(compared):
    names = {one.name for one in compared}
    both = {one.name for one in compared
            if one.ours.accepted and one.theirs.accepted}
    neither = names - both - {one.name for one in compared
                              if one.ours.accepted or one.theirs.accepted}
    assert len(compared) == len(ACCEPTS) * len(names)
    assert len(both) > 300 and len(neither) > 300


def test_good_tokens_are_accepted_where_their_kind_is(compared):
    kinds = {"oauth_token": "oauth_token", "oauth_jwt": "oauth_token",
             "session_token": "session_token",
             "session_token_v1": "session_token", "m2m_token": "m2m_token",
             "m2m_jwt": "m2m_token", "api_key": "api_key"}
    good = [one for one in compared
            if one.name.partition(": ")[2] in ("good", "used again")
            and one.name.partition(": ")[0] in kinds]
    assert len(good) == 2 * len(kinds) * len(ACCEPTS)
    wrong = [one for one in good
             if one.ours.accepted != (
                 one.accepts in ("any", kinds[one.name.split(": ")[0]]))]
    assert not wrong, lines(wrong)


def test_the_module_is_laxer_only_where_the_contract_says_so(compared):
    differing = [one for one in compared
                 if one.ours.accepted and not one.theirs.accepted]
    laxer = [one for one in differing if one.name not in BY_CONTRACT]
    assert not laxer, lines(laxer)
    agreeing = BY_CONTRACT.keys() - {one.name for one in differing}
    assert not agreeing, f"listed, but they do not differ: {sorted(agreeing)}"


def test_the_module_is_stricter_where_it_is_listed_and_nowhere_else(compared):
    differing = [one for one in compared
                 if one.theirs.accepted and not one.ours.accepted]
    unlisted = [one for one in differing if one.name not in STRICTER]
    assert not unlisted, lines(unlisted)
    # of a listed one, the module accepts nothing anywhere
    agreeing = STRICTER.keys() - {one.name for one in differing}
    assert not agreeing, f"listed, but they do not differ: {sorted(agreeing)}"
    somewhere = [one for one in compared
                 if one.name in STRICTER and one.ours.accepted]
    assert not somewhere, lines(somewhere)


def test_what_is_accepted_is_of_the_same_kind_and_subject(compared):
    other = [one for one in compared
             if one.ours.accepted and one.theirs.accepted
             and ((one.ours.kind, one.ours.subject)
                  != (one.theirs.kind, one.theirs.subject))]
    assert not other, lines(other)


def test_what_is_refused_is_the_tokens_fault(compared):
    """401 or 400; 503 for half an answer of Clerk's and nothing else."""
    other = [one for one in compared
             if not one.ours.accepted and one.ours.note not in (400, 401)
             and not (one.ours.note == 503
                      and STRICTER.get(one.name) == HALF_AN_ANSWER)]
    assert not other, lines(other)
