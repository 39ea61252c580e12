"""What ``serve`` reads of its environment, and what it refuses."""

from __future__ import annotations

import pytest

from dbsync.errors import ConfigError
from dbsync.registry.allowed import AllowList, HostNotAllowed
from dbsync.server.settings import serve_settings
from dbsync.urls import parse_url

SECRET = {"BACKEND_SHARED_SECRET": "s" * 32}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BACKEND_SHARED_SECRET", "short"), ("SUPABASE_JWT_SECRET", "short"), ("DBSYNC_EXECUTE", "all"),
        ("RATE_LIMIT_READ", "-1"), ("RATE_LIMIT_SYNC", "0"), ("PORT", "x"), ("PORT", "70000"),
        ("DBSYNC_ALLOW_HOSTS", "a:b"), ("DBSYNC_ALLOW_HOSTS", "http://x/"), ("DBSYNC_ALLOW_HOSTS", "*"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        serve_settings(SECRET | {name: value})


@pytest.mark.parametrize(
    "arguments", [{"auth": "secret"}, {"auth": "token", "host": "0.0.0.0"}, {"auth": "none", "host": "example.test"}]
)
def test_what_anybody_could_use_is_refused(arguments: dict) -> None:
    with pytest.raises(ConfigError):
        serve_settings({}, **arguments)


def test_lists_are_trimmed_and_origins_lose_their_slash() -> None:
    found = serve_settings(
        SECRET
        | {"FRONTEND_URL": " https://a.test/ ,http://b.test", "ADMIN_EMAIL": "A@B.test , ", "RATE_LIMIT_READ": "7"}
    )
    assert found.origins == ("https://a.test", "http://b.test")
    assert found.identity.admins == {"a@b.test"}
    assert (found.limits["read"], found.limits["admin"], found.port) == (7, 50, 3001)


def test_no_setting_shows_a_secret() -> None:
    assert "s" * 32 not in repr(serve_settings(SECRET))


def checked(url: str, *allowed: str) -> tuple[str, ...]:
    return AllowList.parse(allowed).checked(parse_url(url)).addresses


def test_the_checked_addresses_are_what_is_dialled() -> None:
    assert checked("postgresql://u@127.0.0.1:5433/d", "127.0.0.1") == ("127.0.0.1",)
    assert checked("postgresql://u@localhost/d", "127.0.0.0/8", "::1")[0] in ("127.0.0.1", "::1")
    assert checked("postgresql://u@10.1.2.3/d", "10.0.0.0/8:5432") == ("10.1.2.3",)
    assert checked("postgresql://u@[::ffff:127.0.0.1]/d", "127.0.0.1") == ("127.0.0.1",)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("postgresql://u@127.0.0.1/d", ()),
        ("postgresql://u@127.0.0.1:5433/d", ("127.0.0.1:5432",)),
        ("postgresql://u@localhost/d", ("localhost",)),
        ("postgresql://u@127.0.0.1/d", ("localhost",)),
        ("postgresql:///d?host=/tmp", ("127.0.0.1",)),
        ("postgresql:///d", ("127.0.0.1",)),
        ("postgresql://u@127.0.0.1/d?sslkey=/etc/key", ("127.0.0.1",)),
        ("postgresql://u@no-such-host.invalid/d", ("no-such-host.invalid",)),
    ],
)
def test_what_is_not_allowed_is_refused_in_the_same_words(url: str, allowed: tuple[str, ...]) -> None:
    with pytest.raises(HostNotAllowed) as error:
        checked(url, *allowed)
    assert str(error.value) == "This database host is not allowed here."
