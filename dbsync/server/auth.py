"""Who calls: a secret that the frontend's server shares, and a bearer token that names the person.

Everything is compared in constant time; nothing is accepted because something was not configured.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jwt

from dbsync.errors import DbsyncError
from dbsync.registry.model import LOCAL_OWNER
from dbsync.server.faults import Fault
from dbsync.server.settings import Identity, ServeSettings
from dbsync.server.tokens import SCOPES, Scope, TokenFile

_LONGEST_TOKEN = 16 * 1024
_SYMMETRIC = ("HS256",)
_ASYMMETRIC = ("RS256", "ES256", "EdDSA")
_AUDIENCE = "authenticated"
_LEEWAY_S = 10
_SIGNED_S, _MOST_SIGNED = 10.0, 2000
_OWNER = re.compile(r"[\x21-\x7e]{1,200}\Z")

Bearer = Literal["jwt", "token", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls. ``owner`` is what records are kept under."""

    owner: str
    email: str | None = None
    admin: bool = False
    scopes: frozenset[Scope] = frozenset(SCOPES)
    by: Bearer = "jwt"

    def may(self, scope: Scope) -> bool:
        """Whether the token allows that much."""
        return scope in self.scopes


LOCAL_CALLER = Caller(owner=LOCAL_OWNER, admin=True, by="none")


class Authenticator:
    """Knows a caller by the headers of a request, or raises the reply that says why not."""

    def __init__(self, settings: ServeSettings) -> None:
        self._mode = settings.auth
        self._secret = settings.shared_secret
        self._identity = settings.identity
        self._tokens = TokenFile(settings.identity.tokens_file) if settings.identity.tokens_file else None
        self._signer = _signer(settings.identity)
        self._signed: dict[str, tuple[dict[str, Any], float]] = {}  # what was checked lately, and until when it holds

    @property
    def may_wait(self) -> bool:
        """Whether to know a caller may take a look at a file, or at keys that are published elsewhere."""
        return self._tokens is not None or (self._mode != "none" and self._identity.jwt_secret is None)

    @property
    def knows_people(self) -> bool:
        """Whether any bearer token could be accepted."""
        return self._mode == "none" or self._signer is not None or self._tokens is not None

    def caller(self, secret: str | None, authorization: str | None) -> Caller:
        """Return who calls. Raises Fault 401."""
        if self._mode == "none":
            return LOCAL_CALLER
        self.require_secret(secret)
        token = _bearer(authorization)
        if self._tokens is not None and (found := self._tokens.find(token)) is not None:
            admin = "admin" in found.scopes
            return Caller(owner=found.owner, admin=admin, scopes=found.scopes, by="token")
        if self._signer is None:
            if self._tokens is None:
                raise _refused("Supabase not configured")
            raise _refused("Invalid or expired token")
        return self._person(token)

    def require_secret(self, secret: str | None) -> None:
        """Raise Fault 401 unless the shared secret is right; where none is set nothing is asked."""
        if self._secret is None:
            return
        if not hmac.compare_digest((secret or "").encode(), self._secret.reveal().encode()):
            raise _refused("Invalid backend secret")

    def _person(self, token: str) -> Caller:
        try:
            claims = self._claims(token)
        except jwt.PyJWKClientConnectionError:
            raise _refused("Token validation failed") from None
        except (jwt.PyJWTError, ValueError, DbsyncError):
            raise _refused("Invalid or expired token") from None
        owner, email = claims.get("sub"), claims.get("email")
        if not isinstance(owner, str) or not _OWNER.match(owner) or owner == LOCAL_OWNER:
            raise _refused("User not found")
        known = email.strip().lower() if isinstance(email, str) else None
        return Caller(owner=owner, email=known, admin=known is not None and known in self._identity.admins)

    def _claims(self, token: str) -> dict[str, Any]:
        """What a token says; its signature is not computed anew for each of many requests."""
        assert self._signer is not None
        claims, until = self._signed.get(token, ({}, 0.0))
        if time.time() < until:
            return claims
        claims = self._signer(token)
        if len(self._signed) >= _MOST_SIGNED:
            self._signed.clear()
        self._signed[token] = claims, min(float(claims["exp"]), time.time() + _SIGNED_S)
        return claims

    @property
    def has_admins(self) -> bool:
        """Whether anybody could be an administrator."""
        return bool(self._identity.admins) or self._mode == "none" or self._tokens is not None


def _refused(said: str) -> Fault:
    return Fault(401, said, headers={"WWW-Authenticate": "Bearer"})


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise _refused("Missing Authorization header")
    scheme, blank, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or (not blank and authorization.lower() != "bearer"):
        raise _refused("Invalid Authorization header format")
    if not token.strip():
        raise _refused("Empty token")
    if len(token) > _LONGEST_TOKEN:
        raise _refused("Invalid or expired token")
    return token.strip()


def _signer(identity: Identity) -> Callable[[str], dict[str, Any]] | None:
    """What checks a JWT's signature, times, audience and issuer; None where nobody signs."""
    issuer = f"{identity.supabase_url}/auth/v1" if identity.supabase_url else None
    if identity.jwt_secret is not None:
        key = identity.jwt_secret.reveal()
        return lambda token: _claims(token, key, _SYMMETRIC, issuer)
    if issuer is None:
        return None
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json", cache_keys=True, lifespan=600, timeout=5)
    return lambda token: _claims(token, keys.get_signing_key_from_jwt(token).key, _ASYMMETRIC, issuer)


def _claims(token: str, key: Any, algorithms: tuple[str, ...], issuer: str | None) -> dict[str, Any]:
    required = ["exp", "sub", "aud"] + (["iss"] if issuer else [])
    return jwt.decode(
        token, key, algorithms=list(algorithms), audience=_AUDIENCE, issuer=issuer, leeway=_LEEWAY_S,
        options={"require": required},
    )  # fmt: skip
