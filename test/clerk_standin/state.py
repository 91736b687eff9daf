"""What the pretended Clerk instance knows: its settings, applications,
machines, users, tokens and keys."""

import base64
import secrets
import string
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import quote_plus, urlsplit

from . import jwt

_WORD = string.ascii_letters + string.digits

BUILT_IN_SCOPES = ["openid", "profile", "email", "public_metadata",
                   "private_metadata", "offline_access", "user:org:read"]

ACCESS_TOKEN_LIFETIME = 86400
REFRESH_TOKEN_LIFETIME = 10 * 365 * 86400
CODE_LIFETIME = 600

DEFAULT_SETTINGS: dict[str, Any] = {
    # which versions Clerk-API-Version may name
    "api_versions": ["2026-05-12"],
    # access tokens that /oauth/token issues are JWTs
    "jwt_access_tokens": False,
    # seconds that they live
    "access_token_lifetime": ACCESS_TOKEN_LIFETIME,
    # dynamic client registration; client-id metadata documents
    "dcr": True,
    "cimd": True,
    # scopes of clients that registered without naming any
    "default_scopes": ["profile", "email"],
    # what the discovery documents advertise
    "scopes_supported": list(BUILT_IN_SCOPES),
    # "not_found": a revoked or expired opaque token is unknown to the verify
    # endpoints; "flags": it is described, with revoked or expired true
    "dead_tokens": "not_found",
    # unit of `expiration`, `created_at`… of the OAuth verify answer: ms or s
    "oauth_time_unit": "ms",
    # whose tokens an OAuth application may introspect: "all" or "own"
    "introspection": "all",
    # instance on the old OAuth provider: token_info answers 422
    "legacy_provider": False,
    # API keys feature switched on
    "api_keys": True,
    # who is signed in at /oauth/authorize (None: nobody), and what they say
    "signed_in_user": "",
    "consent": "allow",
    # `iss` in the authorization response (RFC 9207), and its metadata flag
    "authorization_response_iss": False,
    # extra members put in front of the published keys
    "extra_jwks": [],
    # leave `alg` out of the published keys
    "jwks_without_alg": False,
    # a path in front of every endpoint, as behind a proxy
    "path_prefix": "",
    # idle seconds after which a kept-alive connection is closed; 0: at once
    "keep_alive": 60,
}


def word(length: int) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(_WORD) for _ in range(length))


def hex_id(prefix: str) -> str:
    """An id as Clerk gives to tokens: prefix and 32 hex digits."""
    return prefix + secrets.token_hex(16)


@dataclass
class Application:
    """An OAuth application (client)."""
    id: str
    client_id: str
    client_secret: Optional[str]
    name: str
    scopes: list[str]
    redirect_uris: list[str]
    token_endpoint_auth_method: str = "client_secret_basic"
    created_at: int = 0


@dataclass
class Machine:
    """A machine, and the secret with which it verifies M2M tokens."""
    id: str
    secret_key: str
    name: str


@dataclass
class Token:
    """An opaque token of any kind."""
    text: str
    kind: str
    id: str
    subject: Any
    scopes: list[str]
    issued_at: int
    expires_at: Optional[int]
    client_id: Optional[str] = None
    aud: Optional[list[str]] = None
    act: Optional[dict] = None
    org_id: Optional[str] = None
    claims: Optional[dict] = None
    name: str = ""
    grant: str = ""
    revoked: bool = False
    revocation_reason: Optional[str] = None
    members: dict = field(default_factory=dict)
    introspection: dict = field(default_factory=dict)

    def expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def alive(self, now: float) -> bool:
        return not self.revoked and not self.expired(now)


@dataclass
class Code:
    """An authorization code and what it stands for."""
    text: str
    client_id: str
    redirect_uri: Optional[str]
    subject: str
    scopes: list[str]
    resource: list[str]
    challenge: Optional[str]
    nonce: Optional[str]
    expires_at: float
    grant: str
    used: bool = False


class Instance:
    """One Clerk instance.  Methods take the lock themselves."""

    def __init__(self):
        self.lock = threading.RLock()
        self.settle("http://127.0.0.1", None)
        self.settings: dict[str, Any] = {}
        self.default_user = "user_" + word(27)
        self.restore_settings()
        self.id = "ins_" + word(27)
        self.secret_key = "sk_test_" + word(42)
        self.secrets: set[str] = {self.secret_key}
        self.applications: dict[str, Application] = {}
        self.machines: dict[str, Machine] = {}
        self.tokens: dict[str, Token] = {}
        self.codes: dict[str, Code] = {}
        self.users: dict[str, dict] = {}
        self.keys = [jwt.SigningKey(self.id)]
        self._odd_keys: dict[str, jwt.SigningKey] = {}
        self.application = self.add_application(
            name="Default", scopes=list(BUILT_IN_SCOPES))
        self.machine = self.add_machine(name="Receiver")
        self.sender = self.add_machine(name="Sender")
        self.users[self.default_user] = {
            "email": "jane@example.com", "email_verified": True,
            "given_name": "Jane", "family_name": "Doe", "name": "Jane Doe",
            "username": "jane", "preferred_username": "jane",
            "picture": "https://img.clerk.com/x", "public_metadata": {},
            "private_metadata": {}, "unsafe_metadata": {}}

    def settle(self, url: str, issuer: Optional[str]) -> None:
        """Where this instance is found, and what it calls itself."""
        self.url = url
        self.issuer = issuer or url
        host = urlsplit(self.issuer).netloc
        self.publishable_key = "pk_test_" + base64.b64encode(
            f"{host}$".encode()).decode().rstrip("=")

    # -- settings --------------------------------------------------------

    def configure(self, changes: dict) -> None:
        """Change settings; an unknown name or a wrong type is an error."""
        for name, value in changes.items():
            if name == "issuer":
                self.issuer = value
                continue
            if name not in DEFAULT_SETTINGS:
                raise ValueError(f"no setting named {name}")
            kind = type(DEFAULT_SETTINGS[name])
            fits = isinstance(value, kind) or (
                kind is int and isinstance(value, float)) or (
                name == "signed_in_user" and value is None)
            if not fits:
                raise ValueError(f"setting {name} is a {kind.__name__}")
            self.settings[name] = value

    def restore_settings(self) -> None:
        """All settings as they are at the start."""
        self.settings = {name: list(value) if isinstance(value, list)
                         else value
                         for name, value in DEFAULT_SETTINGS.items()}
        self.settings["signed_in_user"] = self.default_user

    def setting(self, name: str) -> Any:
        return self.settings[name]

    # -- secrets ---------------------------------------------------------

    def remember_secret(self, *texts: Optional[str]) -> None:
        """Add to the list of texts that must stand in no log."""
        with self.lock:
            self.secrets.update(text for text in texts if text)

    def secret_list(self) -> list[str]:
        with self.lock:
            return sorted(self.secrets)

    # -- applications, machines, users ------------------------------------

    def add_application(self, client_id: Optional[str] = None,
                        client_secret: Optional[str] = None,
                        public: bool = False, name: str = "Application",
                        scopes: Optional[list[str]] = None,
                        redirect_uris: Optional[list[str]] = None,
                        token_endpoint_auth_method: str = "",
                        ) -> Application:
        """Register an OAuth application; a public one has no secret."""
        method = token_endpoint_auth_method or (
            "none" if public else "client_secret_basic")
        secret = None if method == "none" else client_secret or word(32)
        app = Application(
            "oa_" + word(27), client_id or word(16), secret, name,
            scopes if scopes is not None
            else list(self.settings["default_scopes"]),
            redirect_uris or ["http://127.0.0.1/callback"], method,
            int(time.time()))
        with self.lock:
            self.applications[app.client_id] = app
        if secret:
            pair = f"{quote_plus(app.client_id)}:{quote_plus(secret)}"
            basic = base64.b64encode(pair.encode()).decode()
            self.remember_secret(secret, quote_plus(secret), basic)
        return app

    def add_machine(self, name: str = "Machine",
                    id: Optional[str] = None,
                    secret_key: Optional[str] = None) -> Machine:
        machine = Machine(id or "mch_" + word(27),
                          secret_key or "ak_" + word(42), name)
        with self.lock:
            self.machines[machine.id] = machine
        self.remember_secret(machine.secret_key)
        return machine

    def machine_by_secret(self, secret: str) -> Optional[Machine]:
        with self.lock:
            for machine in self.machines.values():
                if secrets.compare_digest(machine.secret_key.encode(),
                                          secret.encode()):
                    return machine
        return None

    def set_user(self, subject: str, profile: dict) -> None:
        with self.lock:
            self.users.setdefault(subject, {}).update(profile)

    def profile(self, subject: Any) -> dict:
        """A copy of what is known of a user."""
        with self.lock:
            known = self.users.get(subject) if isinstance(subject, str) \
                else None
            return dict(known or {})

    # -- keys --------------------------------------------------------------

    def rotate_keys(self, overlap: bool = True) -> str:
        """A new signing key under a new id; with overlap the older keys
        stay published."""
        key = jwt.SigningKey("ins_" + word(27))
        with self.lock:
            self.keys = [key] + (self.keys if overlap else [])
        return key.kid

    def key(self, name: str) -> Optional[jwt.SigningKey]:
        """current, previous, other (never published, current kid), ec,
        small (1024 bits) or none."""
        if name == "none":
            return None
        with self.lock:
            if name == "current":
                return self.keys[0]
            if name == "previous":
                if len(self.keys) < 2:
                    raise ValueError("no previous key is published")
                return self.keys[1]
            if name not in ("other", "ec", "small"):
                raise ValueError(f"no key named {name}")
            if name not in self._odd_keys:
                self._odd_keys[name] = jwt.SigningKey(
                    self.keys[0].kid, "ec" if name == "ec" else "rsa",
                    1024 if name == "small" else 2048)
            return self._odd_keys[name]

    def jwks(self) -> dict:
        with self.lock:
            keys = [key.jwk() for key in self.keys]
            extra = list(self.settings["extra_jwks"])
        if self.settings["jwks_without_alg"]:
            for jwk in keys:
                del jwk["alg"]
        return {"keys": extra + keys}

    # -- tokens ------------------------------------------------------------

    def store(self, token: Token) -> Token:
        with self.lock:
            self.tokens[token.text] = token
            self.secrets.add(token.text)
        return token

    def token(self, text: str) -> Optional[Token]:
        with self.lock:
            return self.tokens.get(text)

    def verified_jwt(self, text: str) -> Optional[tuple[dict, dict]]:
        """Header and claims of a JWT that a published key signed."""
        with self.lock:
            keys = list(self.keys)
        return jwt.verify(text, keys)

    def revoke(self, token: Token, reason: Optional[str] = None,
               grant: bool = False) -> None:
        """Revoke one token or, with grant, all that came with it."""
        with self.lock:
            doomed = [token]
            if grant and token.grant:
                doomed = [t for t in self.tokens.values()
                          if t.grant == token.grant]
            for each in doomed:
                each.revoked = True
                each.revocation_reason = reason

    def revoke_grant(self, grant: str, reason: str) -> None:
        with self.lock:
            for each in self.tokens.values():
                if grant and each.grant == grant:
                    each.revoked = True
                    each.revocation_reason = reason
