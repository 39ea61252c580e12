"""Where a URL leads: known databases are found under every spelling of their host, and no others."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from dbsync.urls import parse_url
from dbsync.whereabouts import those_at

_NAMES = {
    "db.example": ("192.0.2.7", "2001:db8::7"),
    "db": ("192.0.2.7",),
    "other.example": ("192.0.2.8",),
    "v6.example": ("2001:db8:0::7",),
    "here.example": ("127.0.1.1",),
}


def _resolver(asked: list[str]) -> Callable[..., list[tuple[object, ...]]]:
    """A name server that knows a few names; addresses are read by the system."""
    real = socket.getaddrinfo

    def look(host: str, *args: object, **options: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if not host[-1].isdigit() and ":" not in host and host not in _NAMES:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, 0, 0, "", (address, 0)) for address in _NAMES.get(host, ())] or list(real(host, None))

    return look


def _own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("NOT TESTED: this machine has no network")
        return str(probe.getsockname()[0])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://a@db.example/app", "postgresql://b:x@DB.example.:5432/app?sslmode=require", True),
        ("postgresql://app@h", "postgresql://x@h/app", True),
        ("postgresql://h/app", "postgresql://h:5433/app", False),
        ("postgresql://h/app", "postgresql://h/App", False),
        ("postgresql:///d?host=/run/pg/", "postgresql://%2Frun%2Fpg/d", True),
        ("postgresql://db.example/app", "postgresql://192.0.2.7/app", True),
        ("postgresql://db.example/app", "postgresql://[2001:DB8:0:0::7]/app", True),
        ("postgresql://db.example/app", "postgresql://db/app", True),
        ("postgresql://db/app", "postgresql://v6.example/app", False),
        ("postgresql://db.example/app", "postgresql://other.example/app", False),
        ("postgresql://db.example/app", "postgresql://unknown.example/app", False),
        ("postgresql://db.example/app", "postgresql://127.0.0.1/app", False),
        ("postgresql://unknown.example/app", "postgresql://UNKNOWN.example/app", True),
        ("postgresql://192.0.2.7/app", "postgresql://3221225991/app", True),
        ("postgresql://192.0.2.7/app", "postgresql://[::ffff:192.0.2.7]/app", True),
    ],
)
def test_the_same_place_is_seen_under_other_spellings(
    one: str, other: str, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver([]))
    urls = parse_url(one), parse_url(other)
    assert those_at(urls[0], [urls[1]]) == [urls[1]] * same
    assert those_at(urls[1], [urls[0]]) == [urls[0]] * same


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "127.0.0.1", "127.1", "127.0.0.2", "0x7f000001", "2130706433", "[::1]", "[0:0::0:1]",
        "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "here.example", "%2Frun%2Fpg", "", "OWN",
    ],
)  # fmt: skip
def test_every_address_of_this_machine_is_one_place(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver([]))
    host = _own_address() if host == "OWN" else host
    known = parse_url("postgresql://a@127.0.0.1:5433/app")
    assert those_at(parse_url(f"postgresql://{host}:5433/app"), [known]) == [known]
    for elsewhere in (f"{host}:5434/app", f"{host}:5433/other"):
        assert those_at(parse_url(f"postgresql://{elsewhere}"), [known]) == []


def _late(*args: object, **options: object) -> list[object]:
    time.sleep(30)
    return []


def test_names_are_looked_up_only_where_it_is_left_to_the_host_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", _resolver(asked))
    url = parse_url("postgresql://db.example/app")
    others = [parse_url(f"postgresql://{place}") for place in ("db/other", "db:5433/app", "db.example./app")]
    assert those_at(url, []) == []
    assert those_at(url, others) == others[2:]
    assert asked == []
    monkeypatch.setattr(socket, "getaddrinfo", _late)
    started = time.monotonic()
    names = [parse_url(f"postgresql://{name}/app") for name in ("a", "b", "c", "db.example")]
    assert those_at(url, names) == names[3:]
    assert time.monotonic() - started < 10
