"""A server that has given all numbers of transactions once and begins anew: rows of long ago look like new ones."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dbsync.local import EphemeralServer
from tests.acceptance.conftest import CalledSync
from tests.fixtures.pair import Pair, rows, run_sql

_FILL = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, 'v' FROM generate_series(1, 3000) g;"
_STEPS = (700, 1_500_000_000, 3_000_000_000)  # in two steps: none may be longer than 2^31


@pytest.fixture(scope="module")
def old_pair() -> Iterator[Pair]:
    """Two databases whose rows are 3,000 million transactions old, and frozen."""
    with EphemeralServer() as server:
        run_sql(server.url(), "ALTER DATABASE template0 ALLOW_CONNECTIONS true")
        for name in ("mine", "theirs"):
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            run_sql(server.url(name), _FILL + "ANALYZE t;")
        for oldest, following in zip(_STEPS, _STEPS[1:], strict=False):
            _freeze(server)
            server.kill()
            _go_on_with(server, oldest, following)
            server.restart()
        _freeze(server)
        pair = Pair(server.url("mine"), server.url("theirs"))
        for url in (pair.source, pair.target):
            assert rows(url, "SELECT max(age(xmin)) < 0 FROM t") == [[True]]  # else these tests show nothing
        yield pair


def _freeze(server: EphemeralServer) -> None:
    for ((name,),) in (([row[0]],) for row in rows(server.url(), "SELECT datname FROM pg_database")):
        with psycopg.connect(server.url(str(name)), autocommit=True) as connection:
            connection.execute("VACUUM (FREEZE)")
            connection.execute("CHECKPOINT")


def _go_on_with(server: EphemeralServer, oldest: int, following: int) -> None:
    """Let a server that does not run give another number to its next transaction."""
    account = server.data_dir.stat()
    command = [
        str(server.bindir / "pg_resetwal"),
        "-f",
        "-x",
        str(following),
        "-u",
        str(oldest),
        "-D",
        str(server.data_dir),
    ]
    owner: dict[str, Any] = {"user": account.st_uid, "group": account.st_gid, "extra_groups": []}
    subprocess.run(command, check=True, cwd="/", **(owner if os.geteuid() == 0 else {}))
    states = server.data_dir / "pg_xact" / f"{following >> 20:04X}"
    states.write_bytes(bytes(1 << 18))
    os.chown(states, account.st_uid, account.st_gid)


@pytest.mark.parametrize("args", [("--no-ledger",), ()], ids=["no ledger", "ledger"])
def test_rows_that_look_new_but_are_old_are_not_taken_for_written(
    args: tuple[str, ...], old_pair: Pair, called: CalledSync
) -> None:
    """Neither by the run that repairs beside them, nor by the next one, which finds what was written all the same."""
    run_sql(old_pair.target, "UPDATE t SET v = 'old' WHERE id = 3")
    (table,) = called.sync(old_pair.source, old_pair.target, *args).ended(0).tables().values()
    assert (table["rows_updated"], table["verified"]) == (1, True)
    if args:
        return
    assert called.sync(old_pair.source, old_pair.target).ended(0).tables()["public.t"]["segments_hashed"] == 0
    run_sql(old_pair.target, "DELETE FROM t WHERE id = 2999; UPDATE t SET v = 'old' WHERE id = 5")
    (table,) = called.sync(old_pair.source, old_pair.target).ended(0).tables().values()
    assert [table[f"rows_{done}"] for done in ("inserted", "updated")] == [1, 1]
    assert table["segments_hashed"] == 2
