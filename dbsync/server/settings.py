"""What ``serve`` was told: read once from options and environment, refused where it would be unsafe."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from dbsync.errors import ConfigError
from dbsync.quota import NO_QUOTAS, Quotas
from dbsync.registry.allowed import AllowList
from dbsync.urls import Secret

Auth = Literal["secret", "token", "none"]
Execute = Literal["off", "read", "write"]
LimitKind = Literal["sync", "schema", "execute", "read", "admin"]
LIMITS: Mapping[LimitKind, int] = {"sync": 10, "schema": 30, "execute": 20, "read": 100, "admin": 50}  # a minute
SHORTEST_SECRET = 32
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How callers are known: tokens that somebody else signed, and who is an administrator."""

    jwt_secret: Secret | None = None
    supabase_url: str | None = None
    tokens_file: Path | None = None
    admins: frozenset[str] = frozenset()  # e-mail addresses, lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """Everything that steers the server; made by ``from_environment``."""

    host: str = "127.0.0.1"
    port: int = 3001
    auth: Auth = "secret"
    shared_secret: Secret | None = None
    identity: Identity = Identity()
    legacy_key: Secret | None = None  # of blobs that callers bring
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # names by which this server may be called, beside its own
    allowed: AllowList = AllowList()
    execute: Execute = "read"
    shadows: bool = False  # whether schemas that callers name may be run in servers of this machine, to prove plans
    limits: Mapping[LimitKind, int] = field(default_factory=lambda: dict(LIMITS))
    quotas: Quotas = NO_QUOTAS
    workers: int = 2  # jobs at a time; 0: other processes run them
    streams_per_owner: int = 5
    streams: int = 100

    def __post_init__(self) -> None:
        if self.auth == "secret" and self.shared_secret is None:
            raise ConfigError(
                "BACKEND_SHARED_SECRET is not set, so nobody could be let in",
                hint="set it (openssl rand -hex 32), or use --auth token or --auth none on this machine alone",
            )
        if not is_loopback(self.host) and self.shared_secret is None:
            raise ConfigError(
                f"--host {self.host} can be reached from other machines, and there is no BACKEND_SHARED_SECRET",
                hint="set it (openssl rand -hex 32), or listen on 127.0.0.1",
            )
        if not is_loopback(self.host) and self.auth == "none":
            raise ConfigError(f"--auth none goes with loopback only, not with --host {self.host}")

    @property
    def trusted_hosts(self) -> frozenset[str]:
        """What the Host header may say, without a port."""
        return frozenset(name.lower() for name in (*_LOOPBACK_NAMES, self.host, *self.hosts))


def serve_settings(
    environ: Mapping[str, str],
    *,
    host: str | None = None,
    port: int | None = None,
    auth: Auth = "secret",
    tokens: Path | None = None,
    workers: int = 2,
    quotas: Quotas = NO_QUOTAS,
) -> ServeSettings:
    """Read the environment, options first. Raises ConfigError for what is unsafe or cannot be read."""
    execute = environ.get("DBSYNC_EXECUTE") or "read"
    if execute not in get_args(Execute):
        raise ConfigError("DBSYNC_EXECUTE is not known", hint=f"one of {', '.join(get_args(Execute))}")
    shadows = environ.get("DBSYNC_SHADOWS") or "off"
    if shadows not in ("off", "on"):
        raise ConfigError("DBSYNC_SHADOWS is not known", hint="one of off, on")
    given_tokens = tokens or (Path(environ["DBSYNC_TOKENS"]) if environ.get("DBSYNC_TOKENS") else None)
    return ServeSettings(
        host=host or environ.get("HOST") or "127.0.0.1",
        port=port if port is not None else _number(environ, "PORT", 3001, most=65535),
        auth=auth,
        workers=workers,
        quotas=quotas.overridden(environ),
        shared_secret=_secret(environ, "BACKEND_SHARED_SECRET", shortest=SHORTEST_SECRET),
        identity=Identity(
            jwt_secret=_secret(environ, "SUPABASE_JWT_SECRET", shortest=SHORTEST_SECRET),
            supabase_url=(environ.get("SUPABASE_URL") or "").rstrip("/") or None,
            tokens_file=given_tokens,
            admins=frozenset(email.lower() for email in _list(environ, "ADMIN_EMAIL")),
        ),
        legacy_key=_secret(environ, "ENCRYPTION_KEY"),
        origins=_list(environ, "FRONTEND_URL", strip="/"),
        hosts=_list(environ, "DBSYNC_HOST_NAMES"),
        allowed=AllowList.of(environ),
        execute=execute,  # type: ignore[arg-type]  # one of them, as was checked
        shadows=shadows == "on",
        limits={kind: _number(environ, f"RATE_LIMIT_{kind.upper()}", most) for kind, most in LIMITS.items()},
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _secret(environ: Mapping[str, str], name: str, *, shortest: int = 1) -> Secret | None:
    value = environ.get(name) or ""
    if value and len(value) < shortest:
        raise ConfigError(f"{name} is shorter than {shortest} characters", hint="openssl rand -hex 32")
    return Secret(value) if value else None


def _list(environ: Mapping[str, str], name: str, *, strip: str = "") -> tuple[str, ...]:
    found = (part.strip().rstrip(strip) for part in (environ.get(name) or "").split(","))
    return tuple(part for part in found if part)


def _number(environ: Mapping[str, str], name: str, default: int, *, most: int = 1_000_000) -> int:
    text = environ.get(name) or ""
    if text and not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most):
        raise ConfigError(f"{name} is not a number between 1 and {most}")
    return int(text) if text else default
