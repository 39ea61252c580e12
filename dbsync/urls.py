"""Database URLs: parsed to a typed allow-list of libpq parameters, shown only with secrets masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from dbsync.errors import ConfigError

ALLOWED_PARAMETERS = (
    "host", "port", "dbname", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey",
    "channel_binding", "connect_timeout", "application_name", "target_session_attrs",
)  # fmt: skip


class Secret:
    """A string that no repr, str, format, pickle or JSON encoder gives away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the plain value; call it only where libpq needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrl:
    """One end of a command: how to reach a database, and what is known about it."""

    name: str  # what the user typed, safe to show: a config name, local:NAME or a masked URL
    host: str | None = None
    port: int | None = None
    dbname: str | None = None
    user: str | None = None
    password: Secret | None = None
    sslmode: str | None = None
    sslrootcert: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None
    channel_binding: str | None = None
    connect_timeout: int | None = None
    application_name: str | None = None
    target_session_attrs: str | None = None
    local: bool = False  # an embedded server of dbsync's own
    environment: str | None = None  # production, staging, development
    protected: bool = False

    def parameters(self) -> dict[str, str]:
        """Return the libpq parameters that are set, the password in the clear."""
        found: dict[str, str] = {}
        for name in ALLOWED_PARAMETERS:
            value = getattr(self, name)
            if value is not None:
                found[name] = value.reveal() if isinstance(value, Secret) else str(value)
        return found

    @property
    def needs_confirmation(self) -> bool:
        """Whether writing needs the target's name typed."""
        return self.protected or self.environment == "production"


def parse_url(text: str) -> DatabaseUrl:
    """Parse ``postgresql://user:password@host:port/dbname?parameter=value``; raise ConfigError else."""
    parts = urlsplit(text)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ConfigError("not a database URL", hint="write postgresql://user@host/database")
    found = dict(parse_qsl(parts.query))
    for name in found:
        if name not in ALLOWED_PARAMETERS:
            raise ConfigError(f"the URL parameter {name!r} is not supported")
    password = found.pop("password", None) or (unquote(parts.password) if parts.password else None)
    host = found.get("host") or parts.hostname
    user = found.get("user") or (unquote(parts.username) if parts.username else None)
    dbname = found.get("dbname") or unquote(parts.path.lstrip("/")) or None
    shown = f"postgresql://{host or ''}/{dbname or ''}"
    return DatabaseUrl(
        name=shown,
        host=host,
        port=int(found["port"]) if "port" in found else parts.port,
        dbname=dbname,
        user=user,
        password=Secret(password) if password else None,
        sslmode=found.get("sslmode"),
    )
