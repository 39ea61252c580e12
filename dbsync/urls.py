"""Database URLs: parsed to a typed allow-list of libpq parameters, shown only with secrets masked.

No message of this module repeats a part of the text that could belong to a password: a malformed URL
is exactly the case in which nobody can tell where the password ends.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

from dbsync.errors import ConfigError

ALLOWED_PARAMETERS = (
    "host", "port", "dbname", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey",
    "channel_binding", "connect_timeout", "application_name", "target_session_attrs",
)  # fmt: skip

CHOICES: Mapping[str, tuple[str, ...]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "channel_binding": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}

# Parameters that other clients know. Only these are named even where a password may hold "&" or "=".
_KNOWN_ELSEWHERE = (
    "authtype", "client_encoding", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "hostaddr",
    "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts",
    "max_protocol_version", "min_protocol_version", "oauth_client_id", "oauth_client_secret", "oauth_issuer",
    "oauth_scope", "options", "passfile", "pgbouncer", "replication", "require_auth", "requirepeer", "requiressl",
    "schema", "scram_client_key", "scram_server_key", "service", "servicefile", "ssl", "ssl_max_protocol_version",
    "ssl_min_protocol_version", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkeylogfile",
    "sslnegotiation", "sslpassword", "sslsni", "tcp_user_timeout",
)  # fmt: skip
_SCHEMES = ("postgresql", "postgres")
_IN_AUTHORITY = ("host", "port", "dbname", "user", "password")
_PARAMETER_NAME = re.compile(r"[A-Za-z][A-Za-z_]{1,39}\Z")
_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODE_HINT = "percent-encode special characters in the password: @ is %40, / is %2F, : is %3A, ? is %3F, % is %25"
_FORM_HINT = "write postgresql://user@host:5432/database"


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
    host: str | None = None  # a name, an address, or a directory of a socket
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
    read_only: bool = False  # may never be a target
    configured_as: str | None = None  # the name in the config file or registry, also when reached by its URL
    connection_id: str | None = None  # in the registry
    addresses: tuple[str, ...] = ()  # of the host, looked up and checked before: no others are dialled
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def parameters(self) -> dict[str, str]:
        """Return the libpq parameters that are set, the password in the clear."""
        found: dict[str, str] = {}
        for name in ALLOWED_PARAMETERS:
            value = getattr(self, name)
            if value is not None:
                found[name] = value.reveal() if isinstance(value, Secret) else str(value)
        return found

    def redacted(self) -> str:
        """Return the URL with ``***`` for the password."""
        options = {name: value for name, value in self.parameters().items() if name not in _IN_AUTHORITY}
        host = self.host or ""
        if host.startswith("/"):
            options["host"] = host
            host = ""
        place = (f"[{host}]" if ":" in host else host) + (f":{self.port}" if self.port is not None else "")
        user = quote(self.user or "", safe="") + (":***" if self.password is not None else "")
        text = f"postgresql://{user + '@' if user else ''}{place}/{quote(self.dbname or '', safe='')}"
        query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in options.items())
        return f"{text}?{query}" if query else text

    def guarded_as(self, known: DatabaseUrl) -> DatabaseUrl:
        """Return this URL under the guards of a known database, which is at the same place, and under its own."""
        return replace(
            self,
            environment=self.environment or known.environment,
            protected=self.protected or known.needs_confirmation,
            read_only=self.read_only or known.read_only,
            configured_as=self.configured_as or known.configured_as,
        )

    @property
    def needs_confirmation(self) -> bool:
        """Whether writing needs the target's name typed."""
        return self.protected or self.environment == "production"

    @property
    def confirmation(self) -> str:
        """The name to type for ``--confirm``."""
        return self.configured_as or self.name


def parse_url(text: str) -> DatabaseUrl:
    """Parse ``postgresql://user:password@host:port/dbname?parameter=value``; raise ConfigError else."""
    authority, path, query = _split(text)
    found = _authority(authority)
    if path:
        found["dbname"] = _decode(path, "database name")
    for name, value in _query(query).items():
        if name in found:
            raise ConfigError(f"the database URL gives the {name} twice", hint="keep one of the two")
        found[name] = value
    return database_url(found)


def database_url(parameters: Mapping[str, str], *, name: str | None = None) -> DatabaseUrl:
    """Return the URL of libpq parameters given as text; raise ConfigError for any outside the allow-list.

    Values are checked here and nowhere else: URLs, service files and the config file all end here.
    """
    for parameter, value in parameters.items():
        if parameter not in ALLOWED_PARAMETERS:
            raise refused_parameter(parameter)
        _check_value(parameter, value)
    values = dict(parameters)
    password = values.pop("password", None)
    url = DatabaseUrl(
        name=name or "",
        host=values.get("host"),
        port=int(values["port"]) if "port" in values else None,
        dbname=values.get("dbname"),
        user=values.get("user"),
        password=Secret(password) if password is not None else None,
        sslmode=values.get("sslmode"),
        sslrootcert=values.get("sslrootcert"),
        sslcert=values.get("sslcert"),
        sslkey=values.get("sslkey"),
        channel_binding=values.get("channel_binding"),
        connect_timeout=int(values["connect_timeout"]) if "connect_timeout" in values else None,
        application_name=values.get("application_name"),
        target_session_attrs=values.get("target_session_attrs"),
    )
    return url if name else replace(url, name=_shown(url))


def refused_parameter(name: str, *, where: str = "the database URL", safe: bool = True) -> ConfigError:
    """Return the error for a parameter outside the allow-list; name it only where that leaks nothing."""
    small = name.lower()
    known = small in _KNOWN_ELSEWHERE or small in ALLOWED_PARAMETERS
    shown = known or (safe and _PARAMETER_NAME.match(name))
    near = get_close_matches(small, ALLOWED_PARAMETERS, n=1) if shown else []
    return ConfigError(
        f"{where} has the parameter {name!r}, which is not supported"
        if shown
        else f"{where} has a parameter that is not supported",
        hint=(f"did you mean {near[0]}? " if near else "") + "supported are " + ", ".join(ALLOWED_PARAMETERS),
    )


def _shown(url: DatabaseUrl) -> str:
    place = DatabaseUrl(name="", host=url.host, port=url.port, dbname=url.dbname, user=url.user)
    return place.redacted()


def _split(text: str) -> tuple[str, str, str]:
    """Cut a URL to authority, path and query, refusing what cannot be told apart for certain."""
    scheme, colon, rest = text.partition(":")
    driver = scheme.partition("+")[0]
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ConfigError("the database URL holds a blank or a control character", hint="blanks are written %20")
    if driver in _SCHEMES and driver != scheme and colon:
        raise ConfigError("the database URL names a driver after a plus sign", hint=_FORM_HINT)
    if not colon or scheme not in _SCHEMES:
        raise ConfigError("the database URL does not begin with postgresql://", hint=_FORM_HINT)
    if not rest.startswith("//"):
        raise ConfigError("the database URL lacks the two slashes after postgresql:", hint=_FORM_HINT)
    rest = rest[2:]
    end = next((index for index, character in enumerate(rest) if character in "/?"), len(rest))
    authority, tail = rest[:end], rest[end:]
    if "@" in tail or authority.count("@") > 1:
        raise ConfigError("the database URL has an @ too many", hint=_ENCODE_HINT)
    if _BAD_ESCAPE.search(rest):
        raise ConfigError("the database URL has a percent sign that starts no escape", hint=_ENCODE_HINT)
    if "#" in tail:
        raise ConfigError("the database URL has a fragment (#)", hint="write # as %23")
    path, _, query = tail.partition("?")
    if path.count("/") > 1:
        raise ConfigError("the database URL has more than one slash after the host", hint=_ENCODE_HINT)
    return authority, path[1:], query


def _authority(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    credentials, at, place = text.rpartition("@")
    user, colon, password = credentials.partition(":")
    if at and user:
        found["user"] = _decode(user, "user")
    if colon and password:
        found["password"] = _decode(password, "password")
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")) or not _is_ipv6(_decode(host, "host")):
            raise ConfigError("the database URL has a malformed address in brackets", hint="write [2001:db8::1]:5432")
        port = port[1:]
    else:
        host, colon, port = place.partition(":")
        if ":" in port:
            raise ConfigError(
                "the database URL has more than one colon in its host part",
                hint="an IPv6 address is written in brackets; " + _ENCODE_HINT,
            )
    if host:
        found["host"] = _decode(host, "host")
    if port:
        found["port"] = port
    return found


def _query(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    safe = "password" not in text
    for part in text.split("&") if text else ():
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise ConfigError("the database URL has a parameter without a value", hint="write ?name=value&name=value")
        if name not in ALLOWED_PARAMETERS:
            raise refused_parameter(name, safe=safe)
        if name in found:
            raise ConfigError(f"the database URL gives the {name} twice", hint="keep one of the two")
        found[name] = _decode(value, name)
    return found


def _decode(text: str, what: str) -> str:
    try:
        value = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"the {what} in the database URL is not UTF-8", hint="encode it as UTF-8") from None
    return value


def _check_value(name: str, value: str) -> None:
    if not value:
        raise ConfigError(f"the database's {name} is empty", hint="leave it out or give it a value")
    if "\0" in value or (name != "password" and not value.isprintable()):
        raise ConfigError(f"the database's {name} holds a control character")
    if name in CHOICES and value not in CHOICES[name]:
        raise ConfigError(f"the database's {name} is not known", hint="one of " + ", ".join(CHOICES[name]))
    if name == "port" and not (_is_number(value) and 1 <= int(value) <= 65535):
        raise ConfigError(
            "the database's port is not a number between 1 and 65535",
            hint="write host:5432; if that part belongs to the password, " + _ENCODE_HINT,
        )
    if name == "connect_timeout" and not (_is_number(value) and 1 <= int(value) <= 3600):
        raise ConfigError("the database's connect_timeout is not a number of seconds between 1 and 3600")
    if name == "host":
        _check_host(value)


def _check_host(value: str) -> None:
    if "," in value:
        raise ConfigError("the database's host is a list", hint="name one host")
    if value.startswith("/") or _is_ipv6(value):
        return
    if not _HOST_NAME.match(value):
        raise ConfigError(
            "the database's host is not a host name, an address or a socket directory",
            hint="write a name, 10.0.0.1, [2001:db8::1] or ?host=/var/run/postgresql; " + _ENCODE_HINT,
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
