"""Signing keys and JSON Web Tokens, right ones and deliberately wrong ones."""

import base64
import hashlib
import hmac
import json
from typing import Any, Optional

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "HS256", "HS384", "HS512", "none")


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """The reverse of b64url(); ValueError on anything else."""
    if "=" in text:
        raise ValueError("padding in base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_",
                            validate=True)


def compact(value: Any) -> str:
    """JSON without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class SigningKey:
    """An RSA or P-256 key pair under a key id."""

    def __init__(self, kid: str, kind: str = "rsa", bits: int = 2048):
        self.kid = kid
        self.kind = kind
        if kind == "ec":
            self.private = ec.generate_private_key(ec.SECP256R1())
        else:
            self.private = rsa.generate_private_key(65537, bits)
        self.public = self.private.public_key()

    def jwk(self) -> dict:
        """The public half as a member of a JWK set."""
        numbers = self.public.public_numbers()
        if self.kind == "ec":
            return {"use": "sig", "kty": "EC", "kid": self.kid,
                    "alg": "ES256", "crv": "P-256",
                    "x": b64url(numbers.x.to_bytes(32, "big")),
                    "y": b64url(numbers.y.to_bytes(32, "big"))}
        return {"use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256",
                "n": _number(numbers.n), "e": _number(numbers.e)}

    def pem(self) -> str:
        """The public half as SubjectPublicKeyInfo in PEM."""
        return self.public.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def sign(self, alg: str, data: bytes) -> bytes:
        """A signature; an HS algorithm is keyed with the PEM text."""
        family, size = alg[:2], alg[2:]
        if family == "HS":
            return hmac.new(self.pem().encode(), data, _DIGESTS[size]).digest()
        digest = _HASHES[size]()
        if family == "RS":
            return self.private.sign(data, padding.PKCS1v15(), digest)
        if family == "PS":
            pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
            return self.private.sign(data, pss, digest)
        r, s = utils.decode_dss_signature(
            self.private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def verifies(self, alg: str, signature: bytes, data: bytes) -> bool:
        """Whether this RSA key made an RS signature."""
        if self.kind != "rsa" or alg not in ("RS256", "RS384", "RS512"):
            return False
        try:
            self.public.verify(signature, data, padding.PKCS1v15(),
                               _HASHES[alg[2:]]())
        except InvalidSignature:
            return False
        return True


def encode(header: str, payload: str, key: Optional[SigningKey],
           alg: str) -> str:
    """A token from two JSON texts.  alg decides how it is really signed,
    whatever its header claims; "none" leaves the signature empty."""
    signed = f"{b64url(header.encode())}.{b64url(payload.encode())}"
    if alg == "none" or key is None:
        return signed + "."
    return f"{signed}.{b64url(key.sign(alg, signed.encode()))}"


def decode(token: str) -> Optional[tuple[dict, dict, bytes, bytes]]:
    """Header, claims, signature and signed bytes; None if it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header = json.loads(b64url_decode(parts[0]))
        claims = json.loads(b64url_decode(parts[1]))
        signature = b64url_decode(parts[2])
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return header, claims, signature, f"{parts[0]}.{parts[1]}".encode()


def verify(token: str, keys: list[SigningKey]) -> Optional[tuple[dict, dict]]:
    """Header and claims of a token that one of these keys signed."""
    parsed = decode(token)
    if parsed is None:
        return None
    header, claims, signature, data = parsed
    for key in keys:
        if key.kid == header.get("kid") and key.verifies(
                str(header.get("alg")), signature, data):
            return header, claims
    return None
