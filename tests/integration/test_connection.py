"""Connecting: nothing ambient steers it, TLS is verified, and every failure names its phase without a secret."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dbsync.errors import ConfigError, ConnectionFailed, Refused
from dbsync.local import EphemeralServer
from dbsync.pg import dial
from dbsync.pg.database import Database
from dbsync.pg.dial import route
from dbsync.urls import DatabaseUrl, Secret, parse_url
from tests.fixtures.databases import Database as Fresh
from tests.fixtures.poolers import lying_pooler

CANARY = "s3cr3tCanary"


def failure(url: DatabaseUrl) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        Database(url).connect()
    error = caught.value
    shown = f"{error} {error.to_dict()} {error.__cause__}"
    assert CANARY not in shown
    assert url.password is None or url.password.reveal() not in shown
    assert error.exit_code == 3
    assert error.hint
    assert error.details["phase"] == error.phase
    return error


@contextmanager
def listener(*answers: bytes) -> Iterator[tuple[int, bytearray]]:
    """A server that is no Postgres: it answers each message so, then is silent; it keeps what it was told."""
    heard = bytearray()

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            for answer in answers:
                heard.extend(client.recv(4096))
                client.sendall(answer)
            while data := client.recv(4096):
                heard.extend(data)

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1], heard


# Ambient variables


def test_ambient_variables_steer_nothing(source_db: Fresh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "PGHOST": "nowhere.invalid", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGDATABASE": "wrong", "PGUSER": "wrong",
        "PGSERVICE": "wrong", "PGSERVICEFILE": "/nowhere", "PGOPTIONS": "-c work_mem=1MB", "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/nowhere", "PGSSLCERT": "/nowhere", "PGREQUIRESSL": "1", "PGCHANNELBINDING": "require",
        "PGCONNECT_TIMEOUT": "1", "PGCLIENTENCODING": "LATIN1", "PGTZ": "no/where", "PGDATESTYLE": "German",
        "PGGEQO": "off", "PGAPPNAME": "wrong", "PGTARGETSESSIONATTRS": "standby", "PGREQUIREAUTH": "none",
        "PGKRBSRVNAME": "wrong", "PGGSSENCMODE": "require", "PGLOADBALANCEHOSTS": "bogus", "PGSYSCONFDIR": "/nowhere",
        "PGMINPROTOCOLVERSION": "bogus", "PGSSLMINPROTOCOLVERSION": "bogus",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert source_db.server.socket_dir is not None
    url = parse_url(source_db.url)
    for end in (url, replace(url, host=str(source_db.server.socket_dir))):
        with closing(Database(end).connect(application_name="right")) as session:
            assert session.one(
                "SELECT current_database()::text, current_user::text, current_setting('work_mem'),"
                " current_setting('application_name'), current_setting('geqo')"
            ) == (source_db.name, "postgres", "4MB", "right", "on")
    assert os.environ["PGHOST"] == "nowhere.invalid"


def test_the_users_own_application_name_is_kept(source_db: Fresh) -> None:
    url = replace(parse_url(source_db.url), application_name="mine")
    with closing(Database(url).connect(application_name="dbsync x")) as session:
        assert session.one("SELECT current_setting('application_name')") == ("mine",)


def test_a_missing_password_comes_from_the_environment_or_the_password_file(
    source_db: Fresh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = parse_url(source_db.url)
    assert url.password is not None
    bare = replace(url, password=None)
    assert failure(bare).sqlstate == "28P01"
    monkeypatch.setenv("PGPASSWORD", CANARY)
    assert failure(bare).sqlstate == "28P01"
    Database(url).connect().close()  # the URL's own password wins
    monkeypatch.setenv("PGPASSWORD", url.password.reveal())
    Database(bare).connect().close()
    monkeypatch.delenv("PGPASSWORD")
    file = tmp_path / "pgpass"
    file.write_text(f"localhost:{url.port}:*:postgres:{url.password.reveal()}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    Database(replace(bare, host="localhost")).connect().close()
    assert failure(bare).sqlstate == "28P01"  # the file speaks of localhost, not of 127.0.0.1


# Phases


def test_every_failure_names_its_phase_and_a_fix(source_db: Fresh) -> None:
    role = f"r_{source_db.name}"
    url = replace(parse_url(source_db.url), password=Secret(CANARY))
    right = parse_url(source_db.url)
    source_db.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD '{CANARY}' CONNECTION LIMIT 0",
        f"CREATE ROLE {role}_out NOLOGIN PASSWORD '{CANARY}'",
        f"CREATE ROLE {role}_not LOGIN PASSWORD '{CANARY}'",
        f"REVOKE CONNECT ON DATABASE {source_db.name} FROM PUBLIC",
    )
    found = {
        name: failure(end)
        for name, end in {
            "name": replace(url, host="no-such-host.invalid"),
            "port": replace(url, port=1),
            "socket": replace(url, host="/nowhere"),
            "password": url,
            "user": replace(url, user="nobody_here"),
            "database": replace(right, dbname="nothing_here"),
            "login": replace(url, user=f"{role}_out"),
            "connect": replace(url, user=f"{role}_not"),
            "full": replace(url, user=role, dbname="postgres"),
            "standby": replace(right, target_session_attrs="standby"),
        }.items()
    }
    source_db.execute(f"DROP ROLE {role}, {role}_out, {role}_not")
    assert {name: (error.phase, error.sqlstate) for name, error in found.items()} == {
        "name": ("resolve", None),
        "port": ("tcp", None),
        "socket": ("tcp", None),
        "password": ("auth", "28P01"),
        "user": ("auth", "28P01"),
        "database": ("database", "3D000"),
        "login": ("auth", "28000"),
        "connect": ("database", "42501"),
        "full": ("database", "53300"),
        "standby": ("database", None),
    }
    assert found["database"].code == "CONNECT_DATABASE"
    assert "nothing_here" in found["database"].message
    assert "no-such-host.invalid" in found["name"].message


@pytest.mark.parametrize("answers", [(b"SSH-2.0-OpenSSH_9.2\r\n",), (b"HTTP/1.1 400\r\n",), (b"N", b"what?"), ()])
def test_a_port_of_something_else_is_told(answers: tuple[bytes, ...]) -> None:
    with listener(*answers) as (port, _):
        url = parse_url(f"postgresql://u:{CANARY}@127.0.0.1:{port}/db?connect_timeout=1")
        started = time.monotonic()
        error = failure(url)
        assert time.monotonic() - started < 2.5
    assert error.phase in ("tls", "auth")
    assert str(port) in error.message
    assert "Postgres server" in str(error.hint)


def test_a_server_that_repeats_the_password_is_masked() -> None:
    body = f"SFATAL\0C28000\0MI know {CANARY}\0\0".encode()
    with listener(b"N", b"E" + (len(body) + 4).to_bytes(4, "big") + body) as (port, _):
        error = failure(parse_url(f"postgresql://u:{CANARY}@127.0.0.1:{port}/db"))
    assert "I know ***" in error.message


# TLS


@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ("postgresql://192.0.2.1/d", "verify-full", False),
        ("postgresql://[2001:db8::1]/d", "verify-full", False),
        ("postgresql://192.0.2.1/d?application_name=localhost", "verify-full", False),
        ("postgresql://192.0.2.1/d?sslmode=verify-full", "verify-full", False),
        ("postgresql://192.0.2.1/d?sslmode=verify-ca", "verify-ca", True),
        ("postgresql://192.0.2.1/d?sslmode=require", "require", True),
        ("postgresql://192.0.2.1/d?sslmode=prefer", "prefer", True),
        ("postgresql://192.0.2.1/d?sslmode=disable", "disable", True),
        ("postgresql://127.0.0.1/d", "prefer", False),
        ("postgresql://127.0.0.1/d?sslmode=disable", "disable", False),
        ("postgresql://[::1]/d", "prefer", False),
        ("postgresql://[::ffff:127.0.0.1]/d", "prefer", False),
        ("postgresql://2130706433/d", "prefer", False),
        ("postgresql://localhost/d", "prefer", False),
        ("postgresql://127.0.0.1/d?sslrootcert=/ca.pem", "verify-full", False),
        ("postgresql:///d?host=/tmp", "prefer", False),
    ],
)
def test_only_this_machine_is_reached_without_verified_tls(text: str, mode: str, warned: bool) -> None:
    way = route(parse_url(text))
    assert way.sslmode == mode
    assert bool(way.warnings) is warned
    assert (way.authorities is not None) is mode.startswith("verify") or way.authorities == "/ca.pem"


def test_the_systems_authorities_are_named_or_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = parse_url("postgresql://192.0.2.1/d")
    monkeypatch.setenv("SSL_CERT_FILE", __file__)
    assert route(remote).authorities == __file__
    assert route(replace(remote, sslrootcert="system")).authorities == __file__
    assert route(replace(remote, sslrootcert="/own.pem")).authorities == "/own.pem"
    with pytest.raises(ConfigError, match="verify-full"):
        route(replace(remote, sslrootcert="system", sslmode="require"))
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr(dial, "_AUTHORITY_FILES", ())
    with pytest.raises(ConnectionFailed, match="certificate authorities") as caught:
        route(remote)
    assert caught.value.phase == "tls"


def test_a_certificate_is_checked_for_its_signer_and_its_name(
    pg_tls: EphemeralServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pg_tls.ca_file is not None
    full = replace(parse_url(pg_tls.url()), sslmode="verify-full")
    assert "not signed by an authority" in failure(full).message
    monkeypatch.setenv("SSL_CERT_FILE", str(pg_tls.ca_file))
    with closing(Database(replace(full, host="localhost")).connect()) as session:
        assert session.one("SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()") == (True,)
        assert session.warnings == ()
    Database(replace(full, sslrootcert="system")).connect().close()
    wrong_name = failure(replace(full, host="::ffff:127.0.0.1"))
    assert wrong_name.phase == "tls"
    assert "for another name than ::ffff:127.0.0.1" in wrong_name.message
    Database(replace(full, host="::ffff:127.0.0.1", sslmode="verify-ca")).connect().close()
    assert failure(replace(full, sslrootcert="/nowhere")).phase == "tls"
    Database(replace(full, sslmode=None)).connect().close()


def test_without_tls_a_verified_connection_is_refused_before_the_password(source_db: Fresh) -> None:
    error = failure(replace(parse_url(source_db.url), sslmode="verify-full"))
    assert (error.phase, error.message) == ("tls", "the server offers no TLS")
    with listener(b"N") as (port, heard):
        assert failure(parse_url(f"postgresql://u:{CANARY}@127.0.0.1:{port}/db?sslmode=verify-full")).phase == "tls"
    assert bytes(heard) == (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


# Versions


def test_a_server_that_is_too_old_is_refused_and_a_newer_one_is_told(pg_a: EphemeralServer) -> None:
    for version, major in (("12.22", 12), ("9.6.24", 9)):
        with lying_pooler(pg_a.url(), backends=1, server_version=version) as port:
            with pytest.raises(Refused, match=f"runs Postgres {major}") as caught:
                Database(replace(parse_url(pg_a.url()), port=port)).connect()
            assert (caught.value.code, caught.value.exit_code) == ("SERVER_TOO_OLD", 4)
    if pg_a.major < 17:
        return  # an older server cannot play a newer one: it lacks settings that would be pinned
    with (
        lying_pooler(pg_a.url(), backends=1, server_version="19.1") as port,
        closing(Database(replace(parse_url(pg_a.url()), port=port)).connect()) as session,
    ):
        assert "runs Postgres 19" in session.warnings[0]


def test_random_bytes_from_a_server_end_in_one_sentence() -> None:
    for _ in range(20):
        with listener(secrets.token_bytes(200)) as (port, _):
            assert failure(parse_url(f"postgresql://u:{CANARY}@127.0.0.1:{port}/db?connect_timeout=2")).message
