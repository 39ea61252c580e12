"""A COMMIT whose reply was lost: what became of it is found out, or said not to be known; it is never guessed."""

from __future__ import annotations

import threading

import pytest

from tests.faults.proxy import Fate, Message, Proxy
from tests.fixtures.command import Command, Result
from tests.fixtures.pair import Pair, rows, run_sql, with_user

_TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text);"
_NEW, _OLD = (f"INSERT INTO t SELECT i, '{word}' FROM generate_series(1, 100) i;" for word in ("new", "old"))
# What the table's trigger puts off beyond the last look at constraints makes COMMIT take two seconds.
_SLOW_COMMIT = """
CREATE TABLE slow (id int);
CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(2); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER doze AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION doze();
CREATE FUNCTION put_off() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$BEGIN
    SET CONSTRAINTS ALL DEFERRED; INSERT INTO slow VALUES (1); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER put_off AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION put_off();
GRANT USAGE ON SCHEMA public TO case_writer; GRANT SELECT, INSERT ON t TO case_writer;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO case_writer', current_database()); END$$;
"""
_UNKNOWN = "either its old or its new content"


class _Loading:
    """Knows the link on which the table is written, and does as it was told with the order or the reply to commit."""

    def __init__(self, fate: Fate) -> None:
        self.links: set[int] = set()
        self.hit: list[Message] = []
        self._fate = fate

    def __call__(self, message: Message) -> Fate:
        order = message.start.upper()
        if message.sender == "client" and (b"FROM STDIN" in order or order.startswith(b"UPDATE ONLY")):
            self.links.add(message.link)
        ordered = message.sender == "client" and order.startswith(b"COMMIT")
        if message.link in self.links and (message.commits if self._fate is Fate.LOSE else ordered) and not self.hit:
            self.hit.append(message)
            return self._fate
        return Fate.PASS


def _sync(dbsync: Command, pair: Pair, hook: _Loading, *args: str, meanwhile: str = "") -> Result:
    """Run it through a proxy; ``meanwhile``: what somebody does to the target between the COMMIT and the question."""
    env = {"DBSYNC_FAILPOINT": "before_settle=sleep:1.5"} if meanwhile else {}
    with Proxy(pair.target) as proxy:
        proxy.hook = hook
        running = dbsync.start("sync", pair.source, proxy.url, "--yes", "--json", *args, env=env)
        if meanwhile:
            while rows(pair.target, "SELECT count(*) FROM t WHERE v = 'new'") != [[100]]:
                assert not running.over, running.wait()
            run_sql(pair.target, meanwhile)
        result = running.wait(60)
    assert hook.hit, result
    return result


@pytest.mark.parametrize("ledger", [True, False])
def test_a_commit_that_takes_long_is_waited_for_by_a_role_that_may_only_insert(
    ledger: bool, pairs, dbsync: Command
) -> None:
    """Its lock on the table does not conflict with itself."""
    pair: Pair = pairs(_TABLE, _NEW, _SLOW_COMMIT)
    hook = _Loading(Fate.PASS)
    with Proxy(pair.target) as proxy:

        def cut_later(message: Message) -> Fate:
            if hook(message) is Fate.PASS and hook.hit == [message]:
                threading.Timer(0.5, proxy.abandon, [message.link]).start()
            return Fate.PASS

        proxy.hook = cut_later
        args = ("--triggers", "keep", "--tables", "t", *([] if ledger else ["--no-ledger"]))
        target = with_user(proxy.url, "case_writer")
        result = dbsync.start("sync", pair.source, target, "--yes", "--json", *args).wait(60).ended(0)
    assert hook.hit, result
    assert (result.result["ledger"], result.tables()["public.t"]["verified"]) == (ledger, True)
    assert rows(pair.target, "SELECT count(*) FROM t") == [[100]]


@pytest.mark.parametrize("mode", ["replace", "delta"])
def test_without_a_ledger_rows_that_somebody_wrote_since_do_not_prove_that_nothing_was_committed(
    mode: str, pairs, dbsync: Command
) -> None:
    pair: Pair = pairs(_TABLE, _NEW, _OLD)
    meanwhile = "UPDATE t SET v = 'theirs' WHERE id = 7"
    result = _sync(dbsync, pair, _Loading(Fate.LOSE), "--no-ledger", "--mode", mode, meanwhile=meanwhile).ended(6)
    assert _UNKNOWN in result.tables()["public.t"]["error"]["message"], result
    assert rows(pair.target, "SELECT count(*) FROM t WHERE v = 'new'") == [[99]]


@pytest.mark.parametrize("mode", ["replace", "delta"])
@pytest.mark.parametrize("verify", ["checksum", "none"])
def test_without_a_ledger_the_server_tells_of_a_commit_that_never_arrived(
    mode: str, verify: str, pairs, dbsync: Command
) -> None:
    pair: Pair = pairs(_TABLE, _NEW, _OLD)
    result = _sync(dbsync, pair, _Loading(Fate.CUT), "--no-ledger", "--mode", mode, "--verify", verify).ended(6)
    assert "did not take place" in result.tables()["public.t"]["error"]["message"], result
    assert rows(pair.target, "SELECT DISTINCT v FROM t") == [["old"]]


@pytest.mark.parametrize("mode", ["replace", "delta"])
def test_without_a_ledger_equal_rows_prove_that_a_commit_took_place(mode: str, pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_TABLE, _NEW, _OLD)
    result = _sync(dbsync, pair, _Loading(Fate.LOSE), "--no-ledger", "--mode", mode).ended(0)
    assert result.tables()["public.t"]["verified"], result


def test_with_neither_ledger_nor_checksum_a_commit_that_arrived_is_not_guessed(pairs, dbsync: Command) -> None:
    pair: Pair = pairs(_TABLE, _NEW, _OLD)
    result = _sync(dbsync, pair, _Loading(Fate.LOSE), "--no-ledger", "--verify", "none").ended(6)
    assert _UNKNOWN in result.tables()["public.t"]["error"]["message"], result
