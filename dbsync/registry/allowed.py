"""Which databases may be dialled for others: a host is looked up once, every address checked, a checked one dialled.

All refusals read alike, whether a host is unknown, forbidden or of this machine's own network.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dbsync.errors import ConfigError, ConnectionFailed, Refused
from dbsync.pg.dial import resolve_addresses
from dbsync.registry.model import LOCAL_OWNER
from dbsync.urls import DatabaseUrl

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
VARIABLE = "DBSYNC_ALLOW_HOSTS"
_DEFAULT_PORT = 5432
# What a caller may not choose: files of this machine.
_FILES = ("sslrootcert", "sslcert", "sslkey")


class HostNotAllowed(Refused):
    """This database host is not allowed here."""

    code = "HOST_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__(hint="the operator names allowed hosts in DBSYNC_ALLOW_HOSTS")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One allowed host: a name, or a network of addresses; any port where none is given."""

    name: str | None
    network: Network | None
    port: int | None

    def fits(self, port: int) -> bool:
        return self.port is None or self.port == port


@dataclass(frozen=True, slots=True)
class AllowList:
    """The hosts that callers may have dialled; empty: none."""

    entries: tuple[_Entry, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> AllowList:
        """Read ``name``, ``name:port``, ``10.0.0.1``, ``10.0.0.0/8``, ``[::1]:5432``; raise ConfigError else."""
        return cls(tuple(map(_entry, texts)))

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> AllowList:
        """Read DBSYNC_ALLOW_HOSTS; raise ConfigError."""
        return cls.parse(filter(None, (part.strip() for part in environ.get(VARIABLE, "").split(","))))

    def for_owner(self, owner: str, url: DatabaseUrl) -> DatabaseUrl:
        """The URL as it may be dialled for this owner: whoever works on the command line needs no leave."""
        return url if owner == LOCAL_OWNER else self.checked(url)

    def checked(self, url: DatabaseUrl) -> DatabaseUrl:
        """Return the URL with the addresses it may be dialled at; raise HostNotAllowed else."""
        host, port = _plain(url.host or ""), url.port or _DEFAULT_PORT
        if not host or host.startswith("/") or any(getattr(url, name) not in (None, "system") for name in _FILES):
            raise HostNotAllowed
        entries = [entry for entry in self.entries if entry.fits(port)]
        networks = [entry.network for entry in entries if entry.network is not None]
        named = any(entry.name == host for entry in entries)
        if not named and not networks:
            raise HostNotAllowed  # without a look at the name: how long that takes would tell something
        try:
            addresses = resolve_addresses(host, port)
        except ConnectionFailed:
            raise HostNotAllowed from None
        parsed = [_unmapped(address) for address in addresses]
        if not all(_within(address, networks) or (named and _is_public(address)) for address in parsed):
            raise HostNotAllowed
        return replace(url, addresses=tuple(dict.fromkeys(map(str, parsed))))


def _entry(text: str) -> _Entry:
    host, port = text, None
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigError("DBSYNC_ALLOW_HOSTS has a port that is not a number", hint="write host:5432")
    number = int(port) if port is not None else None
    try:
        return _Entry(None, ipaddress.ip_network(host, strict=False), number)
    except ValueError:
        pass
    name = _plain(host)
    if not name or not all(character.isalnum() or character in "-_." for character in name):
        raise ConfigError("DBSYNC_ALLOW_HOSTS has an entry that is no host", hint="write name, address or 10.0.0.0/8")
    return _Entry(name, None, number)


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _unmapped(text: str) -> Address:
    """The address that is really meant by ::ffff:127.0.0.1 and the like."""
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or found.sixtofour or found
    return found


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _is_public(address: Address) -> bool:
    """Whether it is an ordinary address of the internet: no loopback, private, link-local, shared or reserved one."""
    return address.is_global and not address.is_multicast
