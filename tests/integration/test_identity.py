"""Source and target that are one database are refused, however they were reached; copies are told apart."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dbsync.errors import Refused, SameDatabase
from dbsync.local import EphemeralServer
from dbsync.local.server import Server
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import ensure_distinct, ensure_primary
from dbsync.urls import DatabaseUrl, parse_url
from tests.fixtures.copies import physical_copy
from tests.fixtures.databases import Database as Fresh


@contextmanager
def both(source: DatabaseUrl, target: DatabaseUrl) -> Iterator[tuple[Session, Session]]:
    with (
        closing(Database(source, read_only=True).connect()) as left,
        closing(Database(target).connect()) as right,
    ):
        yield left, right


@contextmanager
def forwarder(port: int) -> Iterator[int]:
    """A TCP forwarder: another port that leads to the same server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with source, sink:
                with suppress(OSError):
                    while data := source.recv(65536):
                        sink.sendall(data)
                for end in (source, sink):  # close() alone would not wake the other direction's thread
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                upstream = socket.create_connection(("127.0.0.1", port))
                threading.Thread(target=pump, args=(client, upstream), daemon=True).start()
                threading.Thread(target=pump, args=(upstream, client), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


SPELLINGS = [
    "127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "017700000001",
    "::ffff:127.0.0.1", "::ffff:7f00:1",
]  # fmt: skip


def test_one_database_is_recognised_under_every_spelling(source_db: Fresh) -> None:
    url = replace(parse_url(source_db.url), sslmode="disable")
    server = source_db.server
    spellings = [replace(url, host=host) for host in SPELLINGS]
    assert server.socket_dir is not None
    source_db.execute(f"CREATE ROLE \"r_{source_db.name}\" LOGIN PASSWORD 'x'")
    try:
        with forwarder(server.port) as port:
            spellings += [
                replace(url, host=str(server.socket_dir)),
                replace(url, port=port),
                replace(parse_url(f"postgresql://r_{source_db.name}:x@127.0.0.1"), port=url.port, dbname=url.dbname),
            ]
            for spelling in spellings:
                with both(url, spelling) as (source, target), pytest.raises(SameDatabase) as caught:
                    ensure_distinct(source, target)
                assert caught.value.exit_code == 4
                with both(spelling, url) as (source, target), pytest.raises(SameDatabase):
                    ensure_distinct(source, target)
    finally:
        source_db.execute(f'DROP ROLE "r_{source_db.name}"')


def test_two_databases_of_one_server_are_distinct(pg_a: EphemeralServer, source_db: Fresh) -> None:
    with both(parse_url(source_db.url), parse_url(pg_a.url())) as (source, target):
        assert ensure_distinct(source, target) == []
        assert source.execute("SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory'") == []


def test_two_servers_are_distinct(source_db: Fresh, target_db: Fresh) -> None:
    with both(parse_url(source_db.url), parse_url(target_db.url)) as (source, target):
        assert ensure_distinct(source, target) == []


def test_the_meeting_decides_where_the_identifier_may_not_be_read(source_db: Fresh, target_db: Fresh) -> None:
    role = f"poor_{source_db.name}"
    for database in (source_db, target_db):
        database.execute(
            f"CREATE ROLE {role} LOGIN PASSWORD 'x'", "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"
        )
    try:
        source, target = (
            replace(parse_url(database.url), user=role, password=parse_url("postgresql://u:x@h").password)
            for database in (source_db, target_db)
        )
        with both(source, source) as (left, right), pytest.raises(SameDatabase):
            ensure_distinct(left, right)
        with both(source, target) as (left, right):
            assert ensure_distinct(left, right) == []
    finally:
        for database in (source_db, target_db):
            database.execute(f"DROP ROLE {role}")


def url_of(server: Server) -> DatabaseUrl:
    port = servers_port(server)
    return parse_url(server.url("postgres", port))


def servers_port(server: Server) -> int:
    from dbsync.local.server import running_port

    port = running_port(server)
    assert port is not None
    return port


def test_a_standby_of_the_target_is_refused_and_other_copies_are_not(
    pg_a: EphemeralServer, run_directory: Path
) -> None:
    primary = parse_url(pg_a.url())
    with (
        physical_copy(pg_a, run_directory / "standby", standby=True) as standby,
        physical_copy(pg_a, run_directory / "clone", standby=False) as clone,
    ):
        with both(url_of(standby), primary) as (source, target):
            with pytest.raises(SameDatabase, match="standby"):
                ensure_distinct(source, target)
            with pytest.raises(Refused, match="takes no writes"):
                ensure_primary(source)
            ensure_primary(target)
        with both(primary, url_of(clone)) as (source, target):
            assert "physical copy" in ensure_distinct(source, target)[0]
        with both(url_of(standby), url_of(clone)) as (source, target):
            # The standby follows another server: it has what the restored copy never wrote.
            with closing(Database(primary).connect()) as writer:
                for _ in range(3):  # a switch does nothing in a segment without records
                    (written,) = writer.one("SELECT pg_catalog.pg_create_restore_point('ahead')::text")
                    writer.execute("SELECT pg_catalog.pg_switch_wal()")
            deadline = time.monotonic() + 20
            while not source.one("SELECT pg_catalog.pg_last_wal_replay_lsn() >= %s::pg_catalog.pg_lsn", [written])[0]:
                assert time.monotonic() < deadline, "the standby does not follow"
                time.sleep(0.05)
            assert "physical copy" in ensure_distinct(source, target)[0]
