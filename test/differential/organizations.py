"""Organizations as session tokens of version 2 pack them: o.per, o.fpm, fea.

The same ones in every run. Most are well-formed; some are not.
"""

import itertools
import random

SEED = 20260801
COUNT = 360
SCOPES = ["o"] * 6 + ["uo", "ou"] * 2 + ["u"] * 4 + ["x", "O", "org", ""]
BAD_MASKS = ("", "-1", "1.5", "1x", "+1", "0x3", "1e3", " ", "\u0663", "NaN",
             "1 2", "--", "01x")

# (fea, o.per, o.fpm): the vectors of the documentation, and oddities
VECTORS = [
    ("o:dashboard,o:teams", "manage,read", "3,2"),
    ("o:impersonation,o:memberships", "read,manage", "1,3"),
    ("o:repositories,uo:projects,u:gold", "read,create,update,delete,revoke",
     "7,21,0"),
    ("o:repositories,o:impersonation,o:billing", "manage,read,update",
     "6,0,3"),
    ("o:feature", ",".join(f"p{i}" for i in range(54)), "9007199254740993"),
    ("u:a,o:b,o:c", "read,write", "0,1,2"),
    ("u:a,o:b,o:c", "read,write", "1,2"),
    ("u:a,u:b,o:c", "read", "1"), ("u:a,u:b,o:c", "read", "1,1"),
    ("u:a,u:b,o:c", "read", "0,0,1"), ("o:a", "read", "0"),
    ("o:a,o:a", "read", "1,1"), ("o:a,u:a", "read", "1,1"),
    ("o:a", "read,read", "3"), ("o:a:b", "read", "1"), ("o:a", "a:b", "1"),
    ("o:", "read", "1"), (" o:a , o:b ", " read , write ", " 3 , 1 "),
    ("\to:a\n", "\tread\n", "\t1\n"), ("o:a b", "read", "1"),
    ("o:a", "re ad", "1"), ("o:a", ",read", "3"), ("o:a", "read,", "3"),
    ("o: a", "read", "1"), ("o:a", "r\u00e9ad", "1"),
    ("o:\u00e9", "read", "1"), ("", "read", "1"), ("o:a", "", "1"),
    ("o:a", "read", ""), (None, "read", "1"), ("o:a", None, "1"),
    ("o:a", "read", None), ("o:a", "read", "0000000000000000000001"),
    ("o:a", "read,write", "9" * 1000), ("o:a", "read", "1" + "0" * 999),
    ("o:a", "read,write", str(2 ** 64)), ("o:a", "read,write", str(2 ** 32)),
    ("o:a", "read,write", str(2 ** 64 + 2)),
]
# The client throws when it reads these.
UNREADABLE = [
    ("o", "read", "1"), ("o:a,b", "read", "1,1"), ("o:a,b", "read", "1"),
    ("b,o:a", "read", "1,1"), ("b,o:a", "read", "1"), ("o:a,", "read", "1"),
    ("o:a,", "read", "1,"), (",o:a", "read", "1,1"),
]


def mask(dice, permissions):
    if dice.random() < 0.08:
        return dice.choice(BAD_MASKS)
    bits = dice.choice((permissions, permissions, permissions,
                        permissions + 3, 64, 65, 200))
    return str(dice.getrandbits(bits) if bits else 0)


def generated():
    dice = random.Random(SEED)
    for _ in range(COUNT):
        scopes = dice.choices(SCOPES, k=dice.randint(1, 7))
        features = [f"{scope}:f{i}" for i, scope in enumerate(scopes)]
        permissions = dice.choice((1, 2, 3, 5, 8, 31, 32, 33, 64, 70))
        belonging = sum(scope in ("o", "uo", "ou") for scope in scopes)
        count = dice.choice((len(features), len(features), belonging,
                             belonging, dice.randint(0, 8)))
        blank = dice.choice((",", ",", ",", ", ", " ,"))
        yield (blank.join(features),
               blank.join(f"p{i}" for i in range(permissions)),
               blank.join(mask(dice, permissions) for _ in range(count)))


def organizations():
    return list(itertools.chain(VECTORS, generated()))


def belongs(feature):
    """Is it one of the organization's?"""
    return feature.strip().partition(":")[0] in ("o", "uo", "ou")


def as_the_client_reads(fea, per, fpm):
    """The same organization in the client's terms, where a mask's position
    counts the organization's features only; None if it grants nothing.

    D6 of the wire contract: with as many masks as features, the position
    counts all of them; with as many as the organization has, only those;
    with any other number, the claims contradict each other.
    """
    if not fea or not per or not fpm:
        return fea, per, fpm
    features, masks = fea.split(","), fpm.split(",")
    own = [i for i, feature in enumerate(features) if belongs(feature)]
    if len(masks) == len(features):
        return (",".join(features[i] for i in own), per,
                ",".join(masks[i] for i in own))
    return (fea, per, fpm) if len(masks) == len(own) else None
