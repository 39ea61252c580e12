"""Which of the known databases a URL leads to, by what its host means, not by how it is spelled.

Every address of this machine and every directory of a socket is one place. A name that cannot be looked up soon is
compared by its spelling alone.
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from dbsync.lookup import Lookup
from dbsync.urls import DatabaseUrl

_HERE = "here"
_PATIENCE_S = 2.0  # for all names together: a guard that cannot be compared must not hold up the work


def those_at(url: DatabaseUrl, known: Sequence[DatabaseUrl]) -> list[DatabaseUrl]:
    """Return those of the known databases that are where the URL leads: the same host, port and database name.

    Names are looked up only where port and database name leave it to the host.
    """
    near = [one for one in known if _port_and_name(one) == _port_and_name(url)]
    if all(_spelled(one) == _spelled(url) for one in near):
        return near
    found = _looked_up({_spelled(one) for one in (url, *near)})
    here = _addresses(url, found)
    return [one for one in near if _spelled(one) == _spelled(url) or here & _addresses(one, found)]


def _port_and_name(url: DatabaseUrl) -> tuple[int, str]:
    return url.port or 5432, url.dbname or url.user or _own_name()


def _own_name() -> str:
    """The role, and thereby the database, of a URL that names neither."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def _spelled(url: DatabaseUrl) -> str:
    host = (url.host or "localhost").rstrip(".").lower()
    return _HERE if host == "localhost" or host.startswith("/") else host


def _addresses(url: DatabaseUrl, found: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset(map(_meant, url.addresses)) or found.get(_spelled(url), frozenset())


def _looked_up(hosts: Iterable[str]) -> dict[str, frozenset[str]]:
    """What each host means. Those that are not known, or not in time, are left out."""
    found = {_HERE: frozenset({_HERE})}
    looking = {host: Lookup(host) for host in hosts if host != _HERE}  # all at once
    limit = time.monotonic() + _PATIENCE_S
    for host, lookup in looking.items():
        if lookup.over(limit - time.monotonic()):
            with suppress(OSError, UnicodeError, ValueError):
                found[host] = frozenset(map(_meant, lookup.addresses()))
    return found


def _meant(address: str) -> str:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    plain = mapped or parsed
    if plain.is_loopback or plain.is_unspecified or _is_own(str(mapped or address)):
        return _HERE
    return str(plain)


def _is_own(address: str) -> bool:
    """Whether an address is this machine's: what goes there would come from there. Nothing is sent.

    To bind it would not tell: some machines are set to let any address be bound.
    """
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 5432))
            return str(probe.getsockname()[0]).partition("%")[0] == address.partition("%")[0]
    except OSError:
        return False
