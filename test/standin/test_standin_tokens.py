"""Minted tokens, above all the deliberately wrong ones."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding


def part(token, number):
    text = token.split(".")[number]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header(token):
    return json.loads(part(token, 0))


def claims(token):
    return json.loads(part(token, 1))


def check_signature(standin, token, digest=hashes.SHA256):
    key = serialization.load_pem_public_key(standin.pem().encode())
    key.verify(part(token, 2), token.rpartition(".")[0].encode(),
               padding.PKCS1v15(), digest())


@pytest.mark.parametrize("kind, prefix", [
    ("oauth_token", "oat_"), ("m2m_token", "mt_"), ("api_key", "ak_"),
    ("refresh_token", "clk_refresh_")])
def test_opaque_prefixes(standin, kind, prefix):
    token = standin.mint(kind)
    assert token.startswith(prefix)
    assert standin.mint(kind) != token


def test_token_text_by_hand(call, standin):
    assert standin.mint(token="oat_a/b+c==") == "oat_a/b+c=="
    assert call.token_info("oat_a/b+c==").json["active"] is True


@pytest.mark.parametrize("kind, typ, cat, names", [
    ("oauth_jwt", "at+jwt", None,
     {"iss", "sub", "client_id", "scope", "jti", "iat", "exp"}),
    ("session_token", "JWT", "cl_B7d4PD111AAA",
     {"azp", "fva", "iss", "jti", "sid", "sts", "sub", "v", "iat", "exp",
      "nbf"}),
    ("session_token_v1", "JWT", "cl_B7d4PD111AAA",
     {"azp", "iss", "sid", "sub", "iat", "exp", "nbf"}),
    ("m2m_jwt", "JWT", "cl_B7d4PD333AAA",
     {"iss", "sub", "jti", "scopes", "aud", "iat", "exp", "nbf"}),
    ("template_jwt", "JWT", "cl_B7d4PD222AAA",
     {"iss", "sub", "aud", "jti", "azp", "iat", "exp", "nbf"}),
    ("id_token", "JWT", None, {"iss", "sub", "aud", "jti", "iat", "exp"}),
    ("handshake", "JWT", "cl_B7d4PD111AAA",
     {"iss", "sub", "handshake", "iat", "exp", "nbf"})])
def test_jwt_kinds(standin, kind, typ, cat, names):
    token = standin.mint(kind)
    kid = standin.jwks()["keys"][0]["kid"]
    expected = {"alg": "RS256", "kid": kid, "typ": typ}
    assert header(token) == ({**expected, "cat": cat} if cat else expected)
    assert set(claims(token)) == names
    assert claims(token)["iss"] == standin.issuer
    check_signature(standin, token)


def test_changed_and_removed_members(standin):
    token = standin.mint_jwt(header={"kid": None, "crit": ["x"]},
                             claims={"sub": 7, "scope": None,
                                     "scp": ["a"], "exp": "soon"})
    assert "kid" not in header(token)
    assert header(token)["crit"] == ["x"]
    assert claims(token)["sub"] == 7
    assert claims(token)["scp"] == ["a"]
    assert "scope" not in claims(token)
    assert claims(token)["exp"] == "soon"
    check_signature(standin, token)


def test_texts_by_hand(standin):
    token = standin.mint_jwt(claims_text='{"sub":"a","sub":"b"} ')
    assert part(token, 1) == b'{"sub":"a","sub":"b"} '
    check_signature(standin, token)


def test_times(standin):
    token = standin.mint_jwt(issued_at=1785000000, expires_in=30)
    assert claims(token)["iat"] == 1785000000
    assert claims(token)["exp"] == pytest.approx(time.time() + 30, abs=5)


def test_unsigned(standin):
    token = standin.mint_jwt(alg="none")
    assert token.endswith(".")
    assert header(token)["alg"] == "none"


def test_hmac_with_the_pem(standin):
    token = standin.mint_jwt(key="pem")
    assert header(token)["alg"] == "HS256"
    expected = hmac.new(standin.pem().encode(),
                        token.rpartition(".")[0].encode(), hashlib.sha256)
    assert part(token, 2) == expected.digest()


def test_other_keys_and_algorithms(standin):
    check_signature(standin, standin.mint_jwt(alg="RS512"), hashes.SHA512)
    for wish in ({"key": "other"}, {"alg": "PS256"}, {"key": "ec"}):
        with pytest.raises(InvalidSignature):
            check_signature(standin, standin.mint_jwt(**wish))
    assert header(standin.mint_jwt(key="ec"))["alg"] == "ES256"
    assert len(part(standin.mint_jwt(key="small"), 2)) == 128


def test_every_secret_is_listed(standin):
    app = standin.application()
    tokens = [standin.mint(), standin.mint("api_key"), standin.mint_jwt(),
              standin.mint("session_token", subject="user_x")]
    known = set(standin.secrets)
    assert known.issuperset(tokens)
    assert known.issuperset([
        standin.secret_key, standin.client_secret,
        standin.machine_secret_key, app["client_secret"]])
    assert standin.client_id not in known
    assert all(len(secret) >= 8 for secret in known)
