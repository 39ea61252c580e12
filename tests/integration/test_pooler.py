"""Poolers in transaction mode are refused before anything is set through them; session mode works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from dbsync.errors import ConnectionFailed, Refused, SameDatabase
from dbsync.local import EphemeralServer
from dbsync.local.server import running_port
from dbsync.pg import pooler
from dbsync.pg.database import Database
from dbsync.pg.dial import dial
from dbsync.pg.identity import ensure_distinct
from dbsync.pg.pooler import detect_pooler, refuse_transaction_pooler
from dbsync.urls import DatabaseUrl, parse_url
from tests.fixtures.copies import physical_copy
from tests.fixtures.poolers import balanced, lying_pooler, pgbouncer

Balancer = Callable[..., AbstractContextManager[int]]


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooler, "_known", {})


@pytest.fixture
def place(run_directory: Path, request: pytest.FixtureRequest) -> Path:
    return run_directory / f"bouncer-{abs(hash(request.node.nodeid))}"


def through(server: EphemeralServer, port: int) -> DatabaseUrl:
    return replace(parse_url(server.url()), port=port)


def settings_of_the_pool(url: DatabaseUrl) -> set[tuple[Any, ...]]:
    """What other clients of the pool find in every one of its backends."""
    found = set()
    with ExitStack() as stack:
        for _ in range(4):  # open transactions: each has a backend of its own
            connection = stack.enter_context(psycopg.connect(make_conninfo("", **url.parameters())))
            found |= set(
                connection.execute(
                    "SELECT current_setting('search_path'), current_setting('default_transaction_read_only')"
                ).fetchall()
            )
    return found


@pytest.mark.parametrize(
    "settings",
    [{"mode": "transaction"}, {"mode": "transaction", "server_round_robin": "1"}, {"mode": "statement"}],
    ids=lambda settings: "-".join(settings.values()),
)
def test_a_pooler_that_shares_backends_is_refused_and_left_clean(
    pg_a: EphemeralServer, place: Path, settings: dict[str, Any]
) -> None:
    with pgbouncer(pg_a, place, **settings) as port:
        url = through(pg_a, port)
        if settings["mode"] == "transaction":
            before = settings_of_the_pool(url)  # also opens several backends
        assert detect_pooler(url) == "transaction"
        for read_only in (True, False):
            with pytest.raises(Refused, match="transaction mode") as caught:
                Database(url, read_only=read_only).connect()
            assert (caught.value.code, caught.value.exit_code) == ("POOLER", 4)
            assert "session-mode" in str(caught.value.hint)
        if settings["mode"] == "transaction":
            assert settings_of_the_pool(url) == before == {('"$user", public', "off")}


def test_a_pooler_in_session_mode_is_as_good_as_the_server(pg_a: EphemeralServer, place: Path) -> None:
    with pgbouncer(pg_a, place, mode="session") as port:
        url = through(pg_a, port)
        assert detect_pooler(url) == "session"
        with (
            closing(Database(url, read_only=True).connect()) as session,
            closing(Database(parse_url(pg_a.url())).connect()) as direct,
        ):
            assert session.one("SELECT pg_catalog.pg_backend_pid()") == (session.backend_pid,)
            assert session.one("SELECT current_setting('search_path'), current_setting('TimeZone')") == ("", "UTC")
            with pytest.raises(SameDatabase):
                ensure_distinct(session, direct)
            with pytest.raises(SameDatabase):
                ensure_distinct(direct, session)


def test_a_session_pooler_with_one_backend_is_told_from_a_transaction_pooler(
    pg_a: EphemeralServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "_PATIENCE_S", 0.5)
    with pgbouncer(pg_a, place, mode="session", default_pool_size="1") as port:
        assert detect_pooler(through(pg_a, port)) == "session"


@pytest.fixture
def balancer(pg_a: EphemeralServer, place: Path) -> Balancer:
    """Two PgBouncers in one mode behind one address, which get the connections in turn."""

    @contextmanager
    def run(mode: str, server_port: int | None = None) -> Iterator[int]:
        place.mkdir(mode=0o755)
        with (
            pgbouncer(pg_a, place / "1", server_port=server_port, mode=mode) as one,
            pgbouncer(pg_a, place / "2", server_port=server_port, mode=mode) as two,
            balanced(one, two) as port,
        ):
            yield port

    return run


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("listens", [True, False], ids=["notified", "crowded"])
def test_two_poolers_behind_one_address_are_refused_and_left_clean(
    pg_a: EphemeralServer, balancer: Balancer, mode: str, listens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In quiet pools every client gets one backend, its pooler's, again and again: as in session mode."""
    monkeypatch.setattr(pooler, "_PATIENCE_S", 0.5)
    if not listens:
        monkeypatch.setattr(pooler, "_hears", lambda first, other: None)  # as before a standby
    with balancer(mode) as port:
        url = through(pg_a, port)
        for read_only in (True, False):
            pooler._known.clear()
            with pytest.raises(Refused, match="transaction mode") as caught:
                Database(url, read_only=read_only).connect()
            assert caught.value.code == "POOLER"
        for _ in range(4):  # whatever the pools gave out is what they give out again
            with closing(psycopg.connect(make_conninfo("", **url.parameters()), autocommit=True)) as other:
                left = other.execute("SELECT pg_listening_channels()").fetchall()
                path = other.execute("SELECT current_setting('search_path')").fetchall()
                assert (left, path) == ([], [('"$user", public',)])
        assert detect_pooler(url) == "transaction"


@pytest.mark.parametrize("listens", [True, False], ids=["notified", "crowded"])
def test_two_poolers_in_session_mode_behind_one_address_are_as_good_as_the_server(
    pg_a: EphemeralServer, balancer: Balancer, listens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not listens:
        monkeypatch.setattr(pooler, "_hears", lambda first, other: None)
    with balancer("session") as port:
        url = through(pg_a, port)
        assert detect_pooler(url) == "session"
        with closing(Database(url, read_only=True).connect()) as session:
            assert session.one("SELECT current_setting('search_path'), count(*) FROM pg_listening_channels()") == (
                "",
                0,
            )


@pytest.mark.parametrize(("mode", "verdict"), [("session", "session"), ("transaction", "transaction")])
def test_before_a_standby_which_takes_no_listen_many_clients_are_compared(
    pg_a: EphemeralServer, balancer: Balancer, place: Path, mode: str, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    holds = pooler._holds_against_many

    def counted(first: pooler.Connection, url: DatabaseUrl) -> bool:
        compared.append(url)
        return holds(first, url)

    monkeypatch.setattr(pooler, "_holds_against_many", counted)
    with physical_copy(pg_a, place.with_name(f"{place.name}-standby"), standby=True) as standby:
        port = running_port(standby)
        assert port is not None
        with balancer(mode, port) as balanced_port:
            assert detect_pooler(through(pg_a, balanced_port)) == verdict
    assert len(compared) == 1


def test_a_server_without_a_pooler_costs_no_second_connection(
    pg_a: EphemeralServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = parse_url(pg_a.url())
    dialled = []

    def counted(*args: Any, **facts: Any) -> Any:
        dialled.append(args)
        return dial(*args, **facts)

    monkeypatch.setattr(pooler, "dial", counted)
    Database(url).connect().close()
    assert len(dialled) == 0
    assert detect_pooler(url) is None
    assert len(dialled) == 1


def test_supabases_port_is_compared_and_a_plain_server_there_is_let_in(
    pg_a: EphemeralServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "_SUPABASE_TRANSACTION_PORT", pg_a.port)
    url = parse_url(pg_a.url())
    assert detect_pooler(url) is None
    Database(url).connect().close()
    assert "5432" in str(refuse_transaction_pooler(url).hint)


@pytest.mark.parametrize("lie", [{"backends": 2}, {"backends": 1, "forgetful": True}], ids=["another", "forgetful"])
def test_settings_that_did_not_take_are_noticed(pg_a: EphemeralServer, lie: dict[str, Any]) -> None:
    with (
        lying_pooler(pg_a.url(), **lie) as port,
        pytest.raises(ConnectionFailed, match="search_path did not keep") as caught,
    ):
        Database(through(pg_a, port)).connect()
    assert (caught.value.code, caught.value.details["setting"]) == ("CONNECT_SESSION", "search_path")
