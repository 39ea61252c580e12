"""Sessions: pinned against any role and database, read-only on the source, errors with a SQLSTATE and a hint."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg.types.numeric import IntLoader

from dbsync.data.compare import read_sums
from dbsync.errors import AnswerDamaged, ConnectionLost, Refused, StatementCancelled, StatementFailed
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database, Session
from dbsync.pg.pinned import _PINS
from dbsync.urls import Secret, parse_url
from tests.fixtures.databases import Database as Fresh

HOSTILE = {
    "search_path": "public, pg_catalog", "row_security": "on", "TimeZone": "Asia/Kathmandu", "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601", "extra_float_digits": "-4", "bytea_output": "escape", "xmloption": "document",
    "standard_conforming_strings": "off", "array_nulls": "off", "transform_null_equals": "on",
    "quote_all_identifiers": "on", "client_min_messages": "error", "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on", "default_transaction_read_only": "on", "statement_timeout": "10min",
    "lock_timeout": "10min", "idle_in_transaction_session_timeout": "10min", "synchronous_commit": "off",
    "session_replication_role": "replica", "client_encoding": "LATIN1",
}  # fmt: skip
SINCE = {"idle_session_timeout": (14, "10min"), "transaction_timeout": (17, "10min")}


@contextmanager
def opened(database: Fresh, *, read_only: bool = False, **settings: str) -> Iterator[Session]:
    with closing(Database(parse_url(database.url), read_only=read_only).connect(settings=settings)) as session:
        yield session


def failed(session: Session, statement: str) -> StatementFailed:
    with pytest.raises(StatementFailed) as caught:
        session.execute(psycopg.sql.SQL(statement))
    return caught.value


@pytest.mark.parametrize("read_only", [True, False], ids=["source", "target"])
def test_no_setting_of_a_role_or_database_survives(source_db: Fresh, read_only: bool) -> None:
    hostile = HOSTILE | {name: value for name, (major, value) in SINCE.items() if source_db.server.major >= major}
    source_db.execute(*(f"ALTER DATABASE {source_db.name} SET {name} = {value!r}"
                        if name != "search_path" else f"ALTER DATABASE {source_db.name} SET search_path = {value}"
                        for name, value in hostile.items()))  # fmt: skip
    with opened(source_db, read_only=read_only) as session:
        found = {name: value for name, value in session.execute("SELECT name, setting FROM pg_catalog.pg_settings")}
    for pin in _PINS:
        if source_db.server.major * 10000 < pin.since or pin.only == ("target" if read_only else "source"):
            continue
        expected = {"1s": "1000", "9s": "9000"}.get(pin.value, pin.value)
        assert found[pin.name] == expected, pin.name
    assert found["session_replication_role"] == "origin"
    assert found["synchronous_commit"] == ("off" if read_only else "on")
    assert set(hostile) - {pin.name for pin in _PINS} <= {"session_replication_role", "synchronous_commit"}


def test_objects_in_public_cannot_hijack_the_first_statements(source_db: Fresh) -> None:
    source_db.execute(
        "CREATE TABLE public.victims (who text)",
        "GRANT INSERT ON public.victims TO PUBLIC",
        f"ALTER DATABASE {source_db.name} SET search_path = public, pg_catalog",
        "CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS"
        " $$ INSERT INTO public.victims VALUES ('set_config') RETURNING who $$",
        "CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS"
        " $$ INSERT INTO public.victims VALUES ('current_setting') RETURNING who $$",
        "CREATE FUNCTION public.equal(int, int) RETURNS boolean LANGUAGE sql AS"
        " $$ INSERT INTO public.victims VALUES ('='); SELECT true $$",
        "CREATE OPERATOR public.= (LEFTARG = int, RIGHTARG = int, FUNCTION = public.equal)",
    )
    with opened(source_db) as session:
        assert session.one("SELECT pg_catalog.count(*) FROM public.victims") == (0,)
        session.execute("SELECT public.set_config('a', 'b', false)")
        assert session.one("SELECT pg_catalog.count(*) FROM public.victims") == (1,)


def test_a_replication_role_that_cannot_be_undone_is_refused(source_db: Fresh) -> None:
    role = f"r_{source_db.name}"
    source_db.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'", f"ALTER ROLE {role} SET session_replication_role = replica"
    )
    url = replace(parse_url(source_db.url), user=role, password=Secret("x"))
    try:
        with pytest.raises(Refused, match="session_replication_role"):
            Database(url).connect()
    finally:
        source_db.execute(f"DROP ROLE {role}")


def test_a_stronger_commit_is_kept_on_the_target(source_db: Fresh) -> None:
    for value in ("remote_apply", "remote_write"):
        source_db.execute(f"ALTER DATABASE {source_db.name} SET synchronous_commit = {value}")
        with opened(source_db) as session:
            assert session.one("SELECT pg_catalog.current_setting('synchronous_commit')") == (value,)


def test_a_session_can_ask_for_more_settings(source_db: Fresh) -> None:
    with opened(source_db, statement_timeout="1500ms", lock_timeout="2s") as session:
        assert session.one(
            "SELECT pg_catalog.current_setting('statement_timeout'), pg_catalog.current_setting('lock_timeout')"
        ) == ("1500ms", "2s")
    with pytest.raises(StatementFailed, match="lock_timeout"), opened(source_db, lock_timeout="soon"):
        pass


def test_the_source_cannot_be_written_to(source_db: Fresh) -> None:
    source_db.execute("CREATE TABLE public.t (a int)")
    with opened(source_db, read_only=True) as session:
        error = failed(session, "INSERT INTO public.t VALUES (1)")
        assert (error.sqlstate, error.exit_code) == ("25006", 6)
        assert "read-only" in str(error.hint)
        with pytest.raises(StatementFailed), session.transaction():
            session.execute("CREATE TABLE public.u (a int)")
    assert source_db.value("SELECT count(*) FROM public.t") == 0


def test_errors_say_what_and_what_to_do(source_db: Fresh) -> None:
    source_db.execute(
        "CREATE TABLE public.t (a int PRIMARY KEY, b int CONSTRAINT positive CHECK (b > 0))", "CREATE ROLE nobody_else"
    )
    with opened(source_db) as session:
        unique = failed(session, "INSERT INTO public.t VALUES (1, 1), (1, 1)")
        assert (unique.sqlstate, unique.details["constraint"], unique.details["table"]) == ("23505", "t_pkey", "t")
        assert failed(session, "INSERT INTO public.t VALUES (1, -1)").details["constraint"] == "positive"
        assert "write schema.table" in str(failed(session, "SELECT * FROM t").hint)
        assert "schema.function" in str(failed(session, "SELECT gen_x(1)").hint)
        session.execute("SET ROLE nobody_else")
        denied = failed(session, "SELECT * FROM public.t")
        assert (denied.sqlstate, denied.message) == ("42501", "permission denied for table t")
        assert "grant" in str(denied.hint)
        session.execute("RESET ROLE")
        assert all("\n" not in each.message for each in (unique, denied))
    source_db.execute("DROP ROLE nobody_else")


def test_waiting_for_a_lock_ends_with_its_own_hint(source_db: Fresh) -> None:
    source_db.execute("CREATE TABLE public.t (a int)")
    with opened(source_db) as holder, opened(source_db, lock_timeout="50ms") as waiter, holder.transaction():
        holder.execute("LOCK TABLE public.t")
        error = failed(waiter, "SELECT * FROM public.t")
        assert error.sqlstate == "55P03"
        assert "pg_locks" in str(error.hint)


def test_a_statement_can_be_cancelled_from_another_thread(source_db: Fresh) -> None:
    with opened(source_db) as session:
        timer = threading.Timer(0.2, session.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(StatementCancelled):
            session.execute("SELECT pg_catalog.pg_sleep(30)")
        assert time.monotonic() - started < 5
        timer.join()
        assert session.usable
        assert session.one("SELECT 1") == (1,)


def test_an_ended_session_is_a_lost_connection(source_db: Fresh) -> None:
    with opened(source_db) as session, opened(source_db) as other:
        other.execute("SELECT pg_catalog.pg_terminate_backend(%s)", [session.backend_pid])
        with pytest.raises(ConnectionLost) as caught:
            session.one("SELECT 1")
        assert caught.value.sqlstate == "57P01"
        assert "was lost" in caught.value.message
        assert "ended the session" in str(caught.value.hint)
        assert not session.usable
        assert session.peer_is_dead()
        session.cancel()  # nothing to cancel is no error


def test_one_statement_means_one(source_db: Fresh) -> None:
    with opened(source_db, read_only=True) as session:
        with pytest.raises(StatementFailed) as caught:
            session.execute_single("COMMIT; SELECT 1")
        assert caught.value.sqlstate == "42601"
        assert session.execute_single("SELECT 1") == [(1,)]


def test_rows_are_streamed_in_pieces(source_db: Fresh) -> None:
    with opened(source_db, read_only=True) as session:
        rows = session.stream("SELECT i FROM pg_catalog.generate_series(1, 2500) i", size=1000)
        assert [row[0] for row in rows] == list(range(1, 2501))
        with pytest.raises(StatementFailed, match="division"):
            list(session.stream("SELECT 1 / (3 - i) FROM pg_catalog.generate_series(1, 5) i", size=1))
        assert session.usable


def test_a_database_without_an_encoding_shows_what_it_cannot_read(pg_a: EphemeralServer) -> None:
    with psycopg.connect(pg_a.url(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE raw_bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    try:
        with closing(Database(parse_url(pg_a.url("raw_bytes"))).connect()) as session:
            assert session.one("SELECT pg_catalog.current_setting('client_encoding'), 'é'::text") == ("UTF8", "é")
            session.execute("CREATE TABLE public.t AS SELECT pg_catalog.convert_from('\\xff', 'SQL_ASCII') AS a")
            error = failed(session, "SELECT a FROM public.t")
            assert error.sqlstate == "22021"
            assert "encoding" in str(error.hint)
            assert session.usable
    finally:
        with psycopg.connect(pg_a.url(), autocommit=True) as admin:
            admin.execute("DROP DATABASE raw_bytes")


@pytest.mark.parametrize("answer", ["0|1|2x|3", "0|1|2", "0|1|2|3|4|5", "0|1||3", "0|1|2|3|x"])
def test_sums_that_were_damaged_on_the_way_are_not_called_a_fault_of_dbsync(source_db: Fresh, answer: str) -> None:
    query = psycopg.sql.SQL("COPY (SELECT pg_catalog.translate({}, '|', E'\\t')) TO STDOUT (FORMAT csv)").format(answer)
    with opened(source_db) as session, pytest.raises(AnswerDamaged, match="cannot be read"):
        read_sums(session, query, 1, lambda: None)


def test_a_row_that_is_no_text_of_its_type_is_a_damaged_answer(source_db: Fresh) -> None:
    with opened(source_db) as session:
        session.raw.adapters.register_loader("text", IntLoader)  # what the type promises, the bytes are not
        with pytest.raises(AnswerDamaged, match="cannot be read"):
            session.execute("SELECT '1x'::text")
