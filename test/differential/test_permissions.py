"""CLERK_ORG_PERMISSIONS against the client's orgPermissions."""

import re

import pytest

from cases import ABSENT, Mint, changed, parts
from organizations import (UNREADABLE, as_the_client_reads, belongs,
                           organizations)

LOCATION = "session_token"


class Tokens:
    def __init__(self, clerk):
        self.mint = Mint(clerk, "session_token")

    def packed(self, fea, per, fpm, **more):
        header, claims = parts(self.mint.good())
        o = {"id": "org_x", "rol": "admin", "per": per, "fpm": fpm}
        claims.update(more, fea=fea,
                      o={k: v for k, v in o.items() if v is not None})
        return self.mint.written(
            header, {k: v for k, v in claims.items() if v is not None})


@pytest.fixture(scope="module")
def minted(clerk):
    return Tokens(clerk)


def ours(module, token):
    """What the module tells the application, as a list."""
    answer, times = module.ask(token, LOCATION)
    assert answer.accepted, answer
    told = answer.env.get("CLERK_ORG_PERMISSIONS", "")
    return (told.split(" ") if told else []), answer.env, times


def theirs(sdk, questions):
    return [verdict for verdict, in sdk.ask(
        [(token, LOCATION, times[:1]) for token, times in questions])]


def tellable(permissions):
    """Those that can stand in a list that is separated by spaces: the module
    leaves out what is empty or has a blank within, the client does not."""
    return [one for one in permissions or []
            if re.fullmatch(r"org:[^ \x00-\x1f\x7f]+:[^ \x00-\x1f\x7f]+", one)]


@pytest.fixture(scope="module")
def decoded(minted, module, sdk):
    """Each organization with what the module and the client make of it, and
    with what the client makes of it in its own terms (or None)."""
    found, questions = [], []
    for organization in organizations():
        own_terms = as_the_client_reads(*organization)
        token = minted.packed(*organization)
        told, _, times = ours(module, token)
        questions += [(token, times),
                      (minted.packed(*(own_terms or organization)), times)]
        found.append((organization, own_terms, told))
    verdicts = theirs(sdk, questions)
    return [(organization, own_terms, told, as_is["permissions"],
             converted["permissions"])
            for (organization, own_terms, told), as_is, converted
            in zip(found, verdicts[::2], verdicts[1::2])]



def test_there_are_enough_of_each_sort(decoded):
    granted = [row for row in decoded if row[2]]
    contradictory = [row for row in decoded if row[1] is None]
    diverging = [row for row in decoded
                 if row[1] is not None and row[2] != tellable(row[3])]
    assert len(decoded) > 350
    assert len(granted) > 150
    assert len(contradictory) > 20
    assert len(diverging) > 20


def test_permissions_are_those_that_the_client_reads(decoded):
    wrong = [(organization, told, converted)
             for organization, own_terms, told, _, converted in decoded
             if own_terms is not None and told != tellable(converted)]
    assert not wrong, wrong


def test_contradictory_claims_grant_nothing(decoded):
    wrong = [(organization, told) for organization, own_terms, told, _, _
             in decoded if own_terms is None and told]
    assert not wrong, wrong


def test_only_a_foreign_feature_in_front_makes_a_difference(decoded):
    """D6: nowhere else does the module tell more than the client."""
    for organization, _, told, as_is, _ in decoded:
        if set(told) <= set(as_is or []):
            continue
        fea, _, fpm = organization
        features = fea.split(",")
        last = max(i for i, one in enumerate(features) if belongs(one))
        assert len(fpm.split(",")) == len(features), organization
        assert not all(map(belongs, features[:last])), organization


def test_what_the_client_cannot_read_grants_nothing(minted, module, sdk):
    laxer = []
    for organization in UNREADABLE:
        token = minted.packed(*organization)
        told, _, times = ours(module, token)
        verdict, = theirs(sdk, [(token, times)])
        assert "threw" in verdict, (organization, verdict)
        if told:
            laxer.append((organization, told))
    assert not laxer, laxer


@pytest.mark.parametrize("version", [ABSENT, None, 0, 1, 2, 2.0, 3, 99])
def test_the_version_says_where_the_organization_is(minted, module, sdk,
                                                    version):
    """Both forms in one token: it is read as the client reads it."""
    header, claims = parts(minted.mint.good())
    claims.update(
        o={"id": "org_packed", "per": "read", "fpm": "1"}, fea="o:packed",
        org_id="org_plain", org_permissions=["org:plain:read"])
    token = minted.mint.written(header, changed(claims, "v", version))
    told, env, times = ours(module, token)
    verdict, = theirs(sdk, [(token, times)])
    assert ((env.get("CLERK_ORG_ID"), told)
            == (verdict["organization"], verdict["permissions"]))


@pytest.mark.parametrize("permissions", [
    [], ["org:a:read"], ["org:a:read", "org:b:write"], ["read"],
    ["org:a:read", "org:a:read"], ["org:a:read org:b:write"],
    ["org:a:read\torg:b:write"], ["", "org:a:read"], "org:a:read",
    "org:a:read org:b:write",
])
def test_plain_permissions_are_those_of_the_client(clerk, module, sdk,
                                                   permissions):
    mint = Mint(clerk, "session_token_v1")
    header, claims = parts(mint.good())
    claims.update(org_id="org_x", org_permissions=permissions)
    token = mint.written(header, claims)
    told, _, times = ours(module, token)
    verdict, = theirs(sdk, [(token, times)])
    # of a text, the client says that it includes any part of it
    assert all(one in verdict["permissions"] for one in told), (told, verdict)
    if isinstance(permissions, list):
        assert set(tellable(permissions)) <= set(told), (told, verdict)
