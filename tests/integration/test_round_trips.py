"""Few round trips, and nothing is lost by that: what is counted here are the messages on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from dbsync.data.explore import Explorer, explored
from dbsync.data.explore_request import PageRequest
from dbsync.errors import ConnectionLost, StatementCancelled, StatementFailed
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database as Handle
from dbsync.pg.round_trips import MOST_PREPARED, GatheringSession, Question, ask, row_of
from dbsync.pg.sql import load
from dbsync.pg.text_rows import fetch_text, read_text
from dbsync.server.catalogs import Catalogs
from dbsync.server.core import ROLE
from dbsync.urls import parse_url
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.pair import with_user
from tests.fixtures.wire import wire


@pytest.fixture(scope="module")
def shop(pg_a: EphemeralServer) -> Iterator[Database]:
    with fresh_database(pg_a) as database:
        database.execute(
            "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, 'n' || i FROM generate_series(1, 200) i;"
            "CREATE VIEW endless AS SELECT i AS id, repeat('x', 1000000) AS t FROM generate_series(1, 100000) i;"
            "GRANT SELECT ON item, endless TO case_reader; ANALYZE item"
        )
        yield database


@contextmanager
def gathering(url: str) -> Iterator[GatheringSession]:
    with closing(GatheringSession(Handle(parse_url(url), read_only=True).connect())) as session:
        yield session


def page_and_count(session: GatheringSession, catalogs: Catalogs, offset: int = 0) -> tuple[int, int | None]:
    request = PageRequest(limit=50, offset=offset)
    session.begin([ROLE, *catalogs.questions(session.url, "item")])
    with explored(session, read=catalogs.of_table(session.url, "item")) as explorer:
        found = explorer.page("item", request), explorer.count("item", request, seconds=1)
    session.end()
    return len(found[0].rows), found[1]


def test_a_page_and_its_count_take_four_round_trips(shop: Database, tmp_path: Path) -> None:
    catalogs = Catalogs()
    with gathering(with_user(shop.url, "case_reader")) as session:
        page_and_count(session, catalogs)
        for _ in range(3):
            with wire(session, tmp_path / "wire") as seen:
                assert page_and_count(session, catalogs, offset=180) == (20, 200)
            assert (seen.sent("Sync"), seen.sent("Query")) == (4, 0)


def test_a_snapshot_ends_with_its_last_question_unless_that_fails(shop: Database, tmp_path: Path) -> None:
    with gathering(shop.url) as session:
        session.begin()
        with wire(session, tmp_path / "wire") as seen:
            session.end_with_next()
            assert fetch_text(session, "SELECT 1") == (("1",),)
            session.end()
            assert seen.sent("Sync") == 1
        session.begin()
        session.end_with_next()
        with pytest.raises(StatementFailed, match="division by zero"), session.transaction():
            fetch_text(session, "SELECT 1 / 0")
        assert fetch_text(session, "SELECT 1") == (("1",),)
        session.end()
        assert session.one("SELECT 1") == (1,)


def test_a_page_stops_the_server_where_it_is_too_large_and_the_snapshot_goes_on(shop: Database, tmp_path: Path) -> None:
    with gathering(shop.url) as session, wire(session, tmp_path / "wire") as seen:
        session.begin()
        query = sql.SQL("SELECT id, t FROM public.endless")
        found = read_text(session, query, (), rows=1000, limit_bytes=8 * 1024 * 1024)
        assert ([row[0] for row in found.rows], found.more) == (list("12345678"), True)
        assert fetch_text(session, "SELECT pg_catalog.count(*) FROM public.item") == (("200",),)
        session.end()
        assert 9 <= seen.received("DataRow") < 200


def test_more_rows_than_were_asked_for_are_not_waited_for(shop: Database, tmp_path: Path) -> None:
    without_limit = sql.SQL("SELECT id, t FROM public.endless --")
    with gathering(shop.url) as session, wire(session, tmp_path / "wire") as seen:
        session.begin()
        found = read_text(session, without_limit, (), rows=3, limit_bytes=1 << 40)
        assert ([row[0] for row in found.rows], found.more) == (["1", "2", "3"], True)
        assert fetch_text(session, "SELECT 1") == (("1",),)
        assert seen.received("DataRow") < 200


def test_what_a_page_sets_holds_for_the_next_question_and_ends_with_the_snapshot(shop: Database) -> None:
    with gathering(shop.url) as session:
        session.begin()
        session.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", ("50",))
        with pytest.raises(StatementCancelled), session.transaction():
            fetch_text(session, "SELECT pg_catalog.pg_sleep(10)")
        assert session.one("SHOW statement_timeout") == ("50ms",)
        session.execute("SELECT pg_catalog.set_config('row_security', 'on', true)")
        session.end()  # the last setting was never sent
        session.begin()
        assert session.one("SHOW statement_timeout") == ("0",)
        assert session.one("SHOW row_security") == ("off",)


def fail(session: GatheringSession, limit: int, error: Exception | None) -> None:
    """Set something in a block that fails, by this error or by the server's."""
    with session.transaction():
        session.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (str(limit),))
        if error is not None:
            raise error
        fetch_text(session, "SELECT 1 / 0")


def test_blocks_undo_what_failed_and_nothing_else(shop: Database) -> None:
    with gathering(shop.url) as session:
        session.begin()
        with session.transaction():
            session.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", ("70",))
        with pytest.raises(ValueError, match="ours"):
            fail(session, 80, ValueError("ours, before anything was asked"))
        with pytest.raises(StatementFailed, match="division by zero"), session.transaction():
            fail(session, 90, None)
        assert session.usable
        assert session.one("SHOW statement_timeout") == ("70ms",)
        with pytest.raises(StatementFailed, match="division by zero"):
            fetch_text(session, "SELECT 1 / 0")
        assert not session.usable


def test_what_comes_again_is_prepared_and_forgotten_after_an_error(shop: Database) -> None:
    count = "SELECT pg_catalog.count(*) FROM public.item WHERE id <= $1::int"
    with gathering(shop.url) as session:
        for _ in range(3):
            session.begin()
            assert [fetch_text(session, count, [text]) for text in ("1", "20", "300")] == [
                (("1",),),
                (("20",),),
                (("200",),),
            ]
            with pytest.raises(StatementFailed, match="invalid input syntax"), session.transaction():
                fetch_text(session, count, ["x"])
            assert fetch_text(session, count, ["7"]) == (("7",),)
            session.end()
        for number in range(60):  # more than are kept
            session.begin()
            for _ in range(2):
                assert fetch_text(session, sql.SQL("SELECT {}").format(sql.Literal(number))) == ((str(number),),)
            session.end()
        (names,) = session.one("SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_statements")
        assert names == MOST_PREPARED


def test_what_a_page_asks_again_is_planned_once_in_a_session(shop: Database) -> None:
    """A plan of what tells whether a table has changed takes ten times what running it takes."""
    with gathering(with_user(shop.url, "case_reader")) as session:
        catalogs = Catalogs()
        for _ in range(7):  # a statement with values would be planned for five of them, and once more
            page_and_count(session, catalogs)
        plans = session.execute("SELECT statement, custom_plans, generic_plans FROM pg_catalog.pg_prepared_statements")
    assert {custom for _, custom, _ in plans} == {0}
    assert len({text for text, _, _ in plans}) == len(plans) == 3  # the role, the table's stamp, the count
    assert sorted(uses for _, _, uses in plans)[-1] >= 7


def test_of_what_was_prepared_the_last_is_kept_and_no_more_than_a_few(shop: Database) -> None:
    def number(session: GatheringSession, value: int) -> None:
        found = fetch_text(session, sql.SQL("SELECT {}").format(sql.Literal(value)))
        assert found == ((str(value),),)

    def prepared(session: GatheringSession) -> set[str]:
        return {text for (text,) in session.execute("SELECT statement FROM pg_catalog.pg_prepared_statements")}

    with gathering(shop.url) as session:
        session.begin()
        for value in range(60):
            number(session, 1000)
            number(session, value)
        kept = prepared(session)
        assert kept == {"SELECT 1000", *(f"SELECT {value}" for value in range(61 - MOST_PREPARED, 60))}
        number(session, 3)
        assert len(prepared(session)) == MOST_PREPARED
        session.end()


def test_what_fails_in_blocks_leaves_no_statement_behind_and_the_others_prepared(shop: Database) -> None:
    good, bad, later = (Question(text, again=True) for text in (b"SELECT 1", b"SELECT 1 / (SELECT 0)", b"SELECT 2"))
    with gathering(shop.url) as session:
        session.begin()
        for _ in range(5):
            with pytest.raises(StatementFailed, match="zero"), session.transaction():
                session.ask([good, bad, later])
            assert [row_of(each, 0) for each in session.ask([good, later])] == [[b"1"], [b"2"]]
        kept = session.execute("SELECT statement FROM pg_catalog.pg_prepared_statements")
        names = session.execute("SELECT name FROM pg_catalog.pg_prepared_statements")
        session.end()
    texts = [text.encode() for (text,) in kept]
    assert texts.count(good.text) == texts.count(later.text) == 1
    assert texts.count(bad.text) <= 1
    assert ("dbsync_1",) in names


def test_what_was_asked_ahead_is_not_asked_again(shop: Database, tmp_path: Path) -> None:
    with gathering(shop.url) as session:
        session.begin([ROLE, Question(b"SELECT $1::text", (b"a",))])
        with wire(session, tmp_path / "wire") as seen:
            assert fetch_text(session, "SELECT $1::text", ["a"]) == (("a",),)
            told = session.one(load("execute")["role"])
            assert seen.sent("Sync") == 0
            assert fetch_text(session, "SELECT $1::text", ["b"]) == (("b",),)
        session.end()
        assert told == session.one(load("execute")["role"])  # by the driver, in Python's types


def test_a_second_statement_in_the_text_is_an_error_and_a_nul_too(shop: Database) -> None:
    with gathering(shop.url) as session:
        with pytest.raises(StatementFailed, match="multiple commands"):
            fetch_text(session, "SELECT 1; SELECT 2")
        with pytest.raises(StatementFailed, match="NUL"):
            fetch_text(session, "SELECT $1", ["a\0b"])


def test_large_questions_and_answers_pass_each_other(shop: Database) -> None:
    large = b"x" * 3_000_000
    with gathering(shop.url) as session:
        answers = ask(session, [Question(b"SELECT $1::text", (large,)) for _ in range(4)])
    assert [answer.get_value(0, 0) == large for answer in answers] == [True] * 4


def test_a_session_that_is_ended_in_the_middle_is_lost_with_the_servers_reason(shop: Database) -> None:
    with gathering(shop.url) as session:
        session.begin()
        with pytest.raises(ConnectionLost, match="terminating connection") as caught:
            ask(
                session,
                [
                    Question(b"SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())"),
                    Question(b"SELECT 1"),
                ],
            )
        assert caught.value.sqlstate == "57P01"
        with pytest.raises(ConnectionLost):
            session.begin()


def test_a_new_child_of_a_table_is_seen_at_once(pg_a: EphemeralServer) -> None:
    catalogs = Catalogs()

    def order(explorer: Explorer) -> list[str]:
        return [key.column for key in explorer.page("mother", PageRequest()).order]

    def orders(session: GatheringSession) -> list[str]:
        session.begin(catalogs.questions(session.url, "mother"))
        with explored(session, read=catalogs.of_table(session.url, "mother")) as explorer:
            found = order(explorer)
        session.end()
        return found

    with fresh_database(pg_a) as database, gathering(database.url) as session:
        database.execute("CREATE TABLE mother (id int PRIMARY KEY); INSERT INTO mother VALUES (1)")
        assert [orders(session) for _ in range(2)] == [["id"]] * 2
        database.execute("CREATE TABLE daughter () INHERITS (mother); INSERT INTO daughter VALUES (1)")
        assert orders(session) == ["tableoid", "ctid"]
        database.execute("ALTER TABLE daughter NO INHERIT mother")
        assert orders(session) == ["id"]
