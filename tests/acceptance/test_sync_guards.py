"""What sync refuses before it writes: the same database twice, missing consent, ends that cannot be reached."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dbsync.local.server import running_port
from tests.faults.proxy import Proxy
from tests.fixtures import oracle
from tests.fixtures.command import Command
from tests.fixtures.copies import physical_copy
from tests.fixtures.pair import Pair, with_user

_SCHEMA = "CREATE TABLE t (id int PRIMARY KEY, v text);"
_MINE = "INSERT INTO t SELECT i, 'new' FROM generate_series(1, 50) i;"
_THEIRS = "INSERT INTO t SELECT i, 'old' FROM generate_series(1, 20) i;"


def test_one_database_under_many_names_is_refused(pairs, servers, dbsync: Command) -> None:
    """Trap 89: both ends are one database, however they are written."""
    pair: Pair = pairs(_SCHEMA, _MINE)
    url, parts = pair.source, urlsplit(pair.source)
    password, name = parts.password or "", parts.path.lstrip("/")
    (dbsync.home / "url.txt").write_text(url)
    (dbsync.home / "dbsync.yaml").write_text('version: 1\ndatabases:\n  here: {url: "env:HERE"}\n')
    env = {"HERE": url, "PGPASSWORD": password}
    before = oracle.take(url)
    with Proxy(url) as proxy:
        spellings = [
            url,
            url.replace("127.0.0.1", "localhost"),
            url.replace("postgresql://", "postgres://") + "?application_name=other",
            f"postgresql:///?host=127.0.0.1&port={parts.port}&dbname={name}&user=postgres",
            f"postgresql:///{name}?host={servers.source.socket_dir}&port={parts.port}&user=postgres",
            with_user(url, "case_writer"),
            "env:HERE",
            f"file:{dbsync.home / 'url.txt'}",
            "here",
            proxy.url,
        ]
        for spelling in spellings:
            result = dbsync.run("sync", url, spelling, "--yes", "--json", "--mode", "replace", env=env)
            assert result.ended(4).error["code"] == "SAME_DATABASE", result
    assert oracle.all_changes(before, oracle.take(url)) == []


def test_a_production_target_needs_its_name(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    (dbsync.home / "dbsync.yaml").write_text(
        "version: 1\ndatabases:\n  live:\n    url: env:LIVE\n    environment: production\n"
    )
    before = oracle.take(pair.target)
    for args in ((), ("--yes",), ("--yes", "--confirm", "staging")):
        result = dbsync.run(
            "sync", pair.source, "live", "--json", "--mode", "replace", *args, env={"LIVE": pair.target}
        )
        assert result.ended(4).error["code"] == "PROTECTED_TARGET", result
        assert oracle.all_changes(before, oracle.take(pair.target)) == []
    named = ("--json", "--mode", "replace", "--confirm", "live")
    dbsync.run("sync", pair.source, "live", *named, env={"LIVE": pair.target}).ended(0)
    assert oracle.differences(pair.source, pair.target) == []


def test_a_guarded_place_is_guarded_under_every_spelling(pairs, servers, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE, _THEIRS)
    parts = urlsplit(pair.target)
    port, name = parts.port, parts.path.lstrip("/")
    env = {"PGPASSWORD": parts.password or ""}
    entry = f"url: 'postgresql://postgres@127.0.0.1:{port}/{name}', environment: production"
    (dbsync.home / "dbsync.yaml").write_text(f"version: 1\ndatabases:\n  live: {{{entry}}}\n")
    before = oracle.take(pair.target)
    hosts = ("127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost")
    spellings = [f"postgresql://postgres@{host}:{port}/{name}?sslmode=prefer" for host in hosts]
    spellings.append(f"postgresql:///{name}?host={servers.target.socket_dir}&port={port}&user=postgres")
    for text in spellings:
        result = dbsync.run("sync", pair.source, text, "--yes", "--json", "--mode", "replace", env=env).ended(4)
        assert result.error["code"] == "PROTECTED_TARGET", result
        result = dbsync.run("execute", text, "DELETE FROM t", "--write", "--yes", "--json", env=env).ended(4)
        assert result.error["code"] == "PROTECTED_TARGET", result
    # The server may not listen where the machine's own name leads; consent comes before the connection.
    own = f"postgresql://postgres@{socket.gethostname()}:{port}/{name}"
    result = dbsync.run("execute", own, "DELETE FROM t", "--write", "--yes", "--json", env=env).ended(4)
    assert result.error["code"] == "PROTECTED_TARGET", result
    assert oracle.all_changes(before, oracle.take(pair.target)) == []
    dbsync.run(
        "execute", f"postgresql://postgres@127.1:{port}/postgres", "SELECT 1", "--write", "--yes", env=env
    ).ended(0)


def test_an_embedded_server_and_a_command_are_guarded_too(run_directory, dbsync: Command) -> None:
    """By what is typed, and a server by its port as well; a server is not started to be compared."""
    place = tempfile.mkdtemp(dir=run_directory)
    Path(place).chmod(0o711)
    env = {"DBSYNC_LOCAL_DIR": place}
    try:
        url = local_url(dbsync, "b", env)
        for name in ("a", "b"):
            dbsync.run("execute", f"local:{name}", _SCHEMA, "--write", "--yes", env=env).ended(0)
        (dbsync.home / "url").write_text(url)
        (dbsync.home / "dbsync.yaml").write_text(
            "version: 1\ndatabases:\n"
            "  prod: {url: 'local:b', read_only: true}\n"
            "  part: {url: 'local:b', dbname: postgres, protected: true}\n"
            "  idle: {url: 'local:idle', read_only: true}\n"
        )
        for target in ("local:b", url, url.replace("127.0.0.1", "127.1"), "file:url", "cmd:cat url"):
            result = dbsync.run("sync", "local:a", target, "--yes", "--json", env=env).ended(4)
            assert result.error["code"] == "PROTECTED_TARGET", result
            assert "read_only" in result.error["message"], result
        other = url.removesuffix("/b") + "/postgres"
        result = dbsync.run("execute", other, "SELECT 1", "--write", "--yes", "--json", env=env).ended(4)
        assert "part" in result.error["hint"], result
        listed = dbsync.run("local", "list", "--json", env=env).ended(0).result["servers"]
        assert [server["name"] for server in listed] == ["a", "b"]
        (dbsync.home / "dbsync.yaml").write_text(
            "version: 1\ndatabases:\n  prod: {url: 'cmd:cat url', environment: production}\n"
        )
        result = dbsync.run("sync", "local:a", "cmd:cat url", "--yes", "--json", env=env).ended(4)
        assert "--confirm prod" in result.error["hint"], result
        for on_top in ("port: 1", "host: 127.0.0.1"):  # an embedded server needs no consent: it must be one
            elsewhere = f"version: 1\ndatabases:\n  away: {{url: 'local:b', {on_top}}}\n"
            (dbsync.home / "dbsync.yaml").write_text(elsewhere)
            result = dbsync.run("execute", "away", "SELECT 1", "--write", "--json", env=env).ended(2)
            assert "databases.away: host and port cannot be put on top of local:NAME" in result.error["message"]
        (dbsync.home / "dbsync.yaml").unlink()
        dbsync.run("connections", "add", "kept", "local:b", "--read-only", env=env).ended(0)
        for target in ("local:b", url.replace("127.0.0.1", "127.1")):
            result = dbsync.run("sync", "local:a", target, "--yes", "--json", env=env).ended(4)
            assert "read_only" in result.error["message"], result
        dbsync.run("sync", "local:b", "local:a", "--yes", env=env).ended(0)
    finally:
        for name in ("a", "b"):
            dbsync.run("local", "down", name, "--delete", env=env)


def local_url(dbsync: Command, name: str, env: dict[str, str]) -> str:
    """Start an embedded server; return its URL."""
    dbsync.run("local", "up", name, env=env).ended(0)
    return dbsync.run("local", "url", name, env=env).ended(0).stdout.strip()


def test_consent_comes_from_the_command_line_only(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_SCHEMA, _MINE)
    before = oracle.take(pair.target)
    env = {"DBSYNC_YES": "1", "CI": "true"}
    result = dbsync.run("sync", pair.source, pair.target, "--json", env=env).ended(4)
    assert result.error["code"] == "CONSENT_MISSING", result
    assert "--yes" in result.error["hint"], result
    assert oracle.all_changes(before, oracle.take(pair.target)) == []


CANARY = "c4n4ry-pa55w0rd"


@pytest.mark.parametrize("end", ["source", "target"])
def test_an_end_that_cannot_be_used_is_one_clear_sentence(end: str, pairs, dbsync: Command) -> None:
    """Exit 3 for what cannot be reached, 2 for what cannot be understood; a password appears in neither."""
    pair: Pair = pairs(_SCHEMA, _MINE)
    good = pair.target if end == "source" else pair.source
    url = with_user(pair.source if end == "source" else pair.target, "case_writer", CANARY)
    parts = urlsplit(url)
    before = oracle.take(pair.target)
    closed = url.replace(f":{parts.port}/", ":1/")
    bad = (
        (url, 3, "password"),
        (closed, 3, "port 1"),
        (url.replace("127.0.0.1", "no-such-host.invalid"), 3, "no-such-host.invalid"),
        (with_user(url, "postgres", urlsplit(good).password or "").replace(parts.path, "/no_such_database"), 3, ""),
        (f"{url}?sslmode=verify-full", 3, "TLS"),
        (f"{url}?options=-c%20search_path%3Devil", 2, "options"),
        (url.replace("postgresql:", "postgresql+psycopg:"), 2, ""),
        (url.replace("//", "/", 1), 2, ""),
        (url.replace("@", "%zz@"), 2, ""),
        ("env:NOT_SET", 2, "NOT_SET"),
        ("nowhere", 2, "nowhere"),
    )
    for text, code, word in bad:
        ends = (text, good) if end == "source" else (good, text)
        result = dbsync.sync(*ends).ended(code)
        error = result.error
        assert word.lower() in (error["message"] + str(error["hint"])).lower(), result
        assert error["message"].count("\n") == 0, result
        assert CANARY not in result.stdout + result.stderr, result
    assert oracle.all_changes(before, oracle.take(pair.target)) == []


def test_a_standby_is_no_target_also_where_nothing_differs(
    pairs, servers, dbsync: Command, run_directory: Path
) -> None:
    """Trap 12. The rows are the same on both sides, so that no statement would fail for it."""
    pair: Pair = pairs(_SCHEMA, _MINE, _MINE)
    with physical_copy(servers.target, run_directory / "no_target", standby=True) as copy:
        port = running_port(copy)
        assert port is not None
        standby = copy.url(urlsplit(pair.target).path.lstrip("/"), port)
        result = dbsync.sync(pair.source, standby).ended(4)
        assert result.error["code"] == "STANDBY", result
        assert "primary" in result.error["hint"], result
        dbsync.sync(pair.source, standby, "--dry-run").ended(0)
        dbsync.sync(standby, pair.source, "--no-ledger").ended(0)  # to read from one is no harm
