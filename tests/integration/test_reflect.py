"""Reflection: every field of the model, any name, any role, inside the session's own transaction."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from dbsync.local import EphemeralServer
from dbsync.model import Catalog, Column, ColumnType, Table, TableName
from dbsync.pg.database import Database as Handle
from dbsync.pg.database import Session
from dbsync.pg.reflect import reflect
from dbsync.schema.report import read_schema
from dbsync.urls import parse_url
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.pair import with_user

CASES = Path(__file__).parent.parent / "cases" / "schema"
SINCE = (14, 15, 18)
T = TypeVar("T")
ODD = TableName('Odd.Sch,ema "q"', 't"q.u,\nx $1 %s')


def everything(server: EphemeralServer) -> list[str]:
    """The scripts of a schema with one of everything that this server knows."""
    scripts = ["everything.sql", *(f"since_{major}.sql" for major in SINCE if server.major >= major)]
    return [(CASES / name).read_text() for name in scripts]


def connect(url: str) -> Session:
    return Handle(parse_url(url), read_only=True).connect()


def fingerprint(url: str) -> str | None:
    session = connect(url)
    try:
        return read_schema(session).fingerprint
    finally:
        session.close()


def reflected(url: str) -> Catalog:
    session = connect(url)
    try:
        return reflect(session)
    finally:
        session.close()


def in_transaction(session: Session) -> bool:
    return session.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE


def app(name: str) -> TableName:
    return TableName("app", name)


def there(value: T | None) -> T:
    assert value is not None
    return value


def column(table: Table, name: str) -> Column:
    return there(table.column(name))


@pytest.fixture(scope="module", params=["pg_a", "pg17", "pg15"])
def server(request: pytest.FixtureRequest) -> EphemeralServer:
    found: EphemeralServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def full(server: EphemeralServer) -> Iterator[Database]:
    """A database with one of everything."""
    with fresh_database(server) as database:
        database.execute(*everything(server))
        yield database


def test_the_catalog_knows_what_the_inspector_knows(full: Database) -> None:
    full.execute(
        "CREATE TABLE app.keyed (a int, b text, c int, PRIMARY KEY (b, a) INCLUDE (c), UNIQUE (c, a))",
        "CREATE UNIQUE INDEX ON app.keyed (c) INCLUDE (b)",
        "CREATE UNIQUE INDEX ON app.keyed (c) WHERE a > 1",
        "CREATE UNIQUE INDEX ON app.keyed (c, lower(b))",
        "CREATE INDEX ON app.keyed USING hash (b)",
    )
    session = connect(full.url)
    found = reflect(session, inspector=False)
    assert found.tables == reflect(session).tables
    assert any(table.comment for table in found.tables.values())
    assert {key.columns for key in found.tables[app("keyed")].keys} == {("b", "a"), ("c", "a"), ("c",)}
    session.close()


def test_a_table_with_everything_is_read_whole(full: Database) -> None:
    catalog = reflected(full.url)
    parent = catalog.tables[app("parent")]
    assert (parent.kind, parent.comment) == ("table", "two\nlines -- ' \\")
    assert [column.name for column in parent.columns][:3] == ["id", "code", "score"]
    assert [column.nullable for column in parent.columns][:3] == [False, False, True]
    assert column(parent, "id").default == "nextval('app.shared'::regclass)"
    assert column(parent, "code").comment == "a code"
    # The default belongs to the domain, not to the column.
    assert column(parent, "evens").default is None
    assert there(parent.primary_key).name == "parent's key"
    keys = {key.name: key for key in parent.keys}
    assert keys["covering"].columns == ("score",)
    assert not keys["covering"].not_null
    assert keys["later_unique"].deferrable
    assert "parent_lower_score_idx" not in keys  # over an expression and partial
    indexes = {index.name.name: index for index in parent.indexes}
    assert indexes["parent's key"].primary
    assert indexes["parent's key"].is_clustered
    assert indexes["parent's key"].is_replica_identity
    assert indexes["parent's key"].constraint_comment == "the key"
    assert indexes["parent_lower_score_idx"].columns == ("lower(code::text)", "score")
    assert indexes['odd index, "x"'].comment == "search"
    assert {check.name: check.validated for check in parent.checks} == {"positive, (really)": True, "later": False}
    assert [(trigger.name, trigger.state) for trigger in parent.triggers] == [("checked", "always")]
    assert [(policy.name, policy.permissive, policy.roles) for policy in parent.policies] == [
        ("reading", True, ("public",)), ("who, when", False, ("public",)),
    ]  # fmt: skip
    assert parent.rls_enabled
    assert parent.rls_forced
    assert catalog.tables[app("child")].inherits == (app("parent"),)
    assert catalog.tables[app("zero")].columns == ()
    (rule,) = catalog.tables[app("ring_a")].rules
    assert rule.startswith('CREATE RULE "keep, them" AS')
    assert rule.endswith('DISABLE RULE "keep, them";')


def test_odd_names_break_nothing(full: Database) -> None:
    catalog = reflected(full.url)
    table = catalog.tables[ODD]
    keys = {key.name: key for key in table.foreign_keys}
    first = keys['t"q.u,\nx $1 %s_r1_fkey']
    assert (first.columns, first.ref_table, first.ref_columns) == (("r1",), app("parent"), ("id",))
    assert (first.on_update, first.on_delete, first.validated) == ("CASCADE", "SET DEFAULT", True)
    second = keys['t"q.u,\nx $1 %s_r2_r1_fkey']
    assert (second.columns, second.ref_columns, second.deferrable) == (("r2", "r1"), ("code", "id"), True)
    assert (keys["unchecked"].validated, keys["unchecked"].comment) == (False, "never checked")
    assert column(table, "SELECT").identity == "always"
    assert column(table, "by.default").identity == "by default"
    assert column(table, "twice").generated == "stored"
    assert column(table, "twice").generation == "(serial * 2)"
    assert column(table, "bytewise").collation == "app.bytes"
    assert [check.kind for check in table.checks] == ["exclusion"]
    sequences = {name.name: sequence for name, sequence in catalog.sequences.items()}
    assert sequences["its seq"].owned_by == (ODD, "SELECT")
    assert sequences["its seq"].identity
    assert sequences["shared"].used_by == ((app("child"), "id"), (app("parent"), "id"))
    assert (sequences["countdown"].increment, sequences["countdown"].cycle) == (-3, True)
    assert catalog.tables[app("ring_b")].foreign_keys[0].ref_table == app("ring_b")


def test_user_types_are_told_by_what_defines_them(full: Database) -> None:
    catalog = reflected(full.url)
    types = {type_.name: type_ for type_ in catalog.types}
    assert types["mood"].definition == ("sad", "ok", "ha'ppy \\ é", "")
    assert types["select"].definition == (
        'street text COLLATE pg_catalog."C"', '"zip code" integer', "moods app.mood[]",
    )  # fmt: skip
    assert types["even"].definition[:3] == ("integer", "DEFAULT 2", "NOT NULL")
    assert "CONSTRAINT late CHECK ((VALUE < 100)) NOT VALID" in types["even"].definition
    assert there(there(types["evens"].base).element).name == "even"
    assert types["span"].definition == ("SUBTYPE = double precision", "SUBTYPE_DIFF = float8mi")
    assert "parent" not in types  # the row type of a table
    table = catalog.tables[ODD]
    assert _shape(column(table, 'a"b').type) == ("character varying(10)[]", "base")
    assert _shape(there(column(table, 'a"b').type.element)) == ("character varying(10)", "base")
    assert _shape(column(table, "naïve").type) == ("timestamp(3) with time zone", "base")
    assert _shape(there(column(table, "parents").type.element)) == ("app.parent", "composite")
    assert there(column(table, "parents").type.element).definition[0] == "id integer"
    assert _shape(there(column(catalog.tables[app("parent")], "code").type.base)) == ("character varying(10)", "base")
    assert {routine.kind for routine in catalog.routines if not routine.extension} == {
        "function", "procedure", "aggregate",
    }  # fmt: skip
    assert not any(routine.name.name == "span" for routine in catalog.routines)  # constructors of the range
    owned = [routine for routine in catalog.routines if routine.extension == "pg_trgm"]
    assert owned
    assert all(routine.definition is None for routine in owned)


def _shape(type_: ColumnType) -> tuple[str, str]:
    return type_.text, type_.kind


def test_partitions_are_told_with_their_own_states(full: Database) -> None:
    catalog = reflected(full.url)
    leaf = catalog.tables[app("events_2020")]
    assert (leaf.partition_of, leaf.inherits) == (app("events"), ())
    assert leaf.partition_bound == "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
    assert [(column.name, column.position) for column in leaf.columns] == [("kind", 1), ("id", 3), ("at", 4)]
    assert [(trigger.name, trigger.state, trigger.clone) for trigger in leaf.triggers] == [
        ("note it", "disabled", True)
    ]
    root = catalog.tables[app("events")]
    assert (root.kind, root.partition_key) == ("partitioned", "RANGE (at)")
    assert [(trigger.state, trigger.clone) for trigger in root.triggers] == [("enabled", False)]
    assert [key.name for key in root.foreign_keys] == ["events_id_fkey"]
    assert leaf.foreign_keys == ()  # a clone
    assert len(catalog.tables[app("refers")].foreign_keys) == 1
    tied = {index.name.name: index.partition_of for index in leaf.indexes}
    assert tied == {
        "events_2020_pkey": app("events_pkey"), "events_2020_kind_idx": app("events_kind_idx"), "own_name": app("at_desc"),
    }  # fmt: skip
    at_desc = next(index for index in root.indexes if index.name.name == "at_desc")
    assert not at_desc.valid  # not all partitions have it


def test_ranges_of_texts_are_told_with_how_they_sort(source_db: Database) -> None:
    """Locales that no machine need have are written into the catalog once the tables are made."""
    source_db.execute("""
        CREATE COLLATION english (LOCALE = 'POSIX'); CREATE COLLATION german (LOCALE = 'POSIX');
        CREATE TABLE plain (a text, b int) PARTITION BY RANGE (a, b);
        CREATE TABLE two (a text COLLATE english, b text) PARTITION BY RANGE (a, b COLLATE german, lower(b) COLLATE "POSIX");
        CREATE TABLE bytewise (a text) PARTITION BY RANGE (a COLLATE "C");
        CREATE TABLE numbers (a int) PARTITION BY RANGE (a); CREATE TABLE hashed (a text) PARTITION BY HASH (a);
        CREATE TABLE leaf PARTITION OF numbers DEFAULT;
        UPDATE pg_collation SET collcollate = 'en_US.UTF-8' WHERE collname = 'english';
        UPDATE pg_collation SET collcollate = 'de_DE.utf8' WHERE collname = 'german';
    """)
    tables = reflected(source_db.url).tables
    assert {name.name: table.partition_sorted_by for name, table in tables.items()} == {
        "plain": ("default",), "two": ("c en_us.utf8", "c de_de.utf8", "C"), "bytewise": ("C",), "numbers": (), "hashed": (),
        "leaf": (),
    }  # fmt: skip


def test_matviews_know_what_they_read_through_views(full: Database) -> None:
    catalog = reflected(full.url)
    assert set(catalog.matview_depends[app("b_third")]) == {app("a_second"), app("z_first"), app("parent"), ODD}
    assert catalog.matview_depends[app("a_fourth")] == (app("b_third"),)
    assert not catalog.tables[app("a_fourth")].populated


def test_what_newer_servers_know_is_read_too(full: Database) -> None:
    catalog = reflected(full.url)
    if catalog.major >= 15:
        distinctly = catalog.tables[app("distinctly")]
        assert [key.nulls_not_distinct for key in distinctly.keys] == [True]
        assert catalog.sequences[app("lost")].persistence == "unlogged"
    if catalog.major >= 18:
        temporal = catalog.tables[app("temporal")]
        assert temporal.keys == ()  # WITHOUT OVERLAPS serves no ON CONFLICT
        assert column(temporal, "v").generated == "virtual"
        assert not catalog.tables[app("refers_temporal")].checks[0].validated  # NOT ENFORCED


def test_a_role_without_rights_sees_all_and_may_nothing(full: Database) -> None:
    full.execute(
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA app TO case_reader; GRANT SELECT ON app.ring_b TO case_reader;"
        "GRANT SELECT (id) ON app.ring_a TO case_reader; GRANT SELECT, INSERT ON app.parent TO case_reader;",
    )
    owner, reader = reflected(full.url), reflected(with_user(full.url, "case_reader"))
    assert fingerprint(with_user(full.url, "case_reader")) == fingerprint(full.url)
    assert not reader.is_superuser
    assert not reader.may_create_schema
    assert reader.tables[app("ring_b")].privileges == {"SELECT"}
    assert reader.tables[app("ring_a")].privileges == frozenset()
    assert [column.readable for column in reader.tables[app("ring_a")].columns[:2]] == [True, False]
    assert reader.tables[app("parent")].rls_active
    assert reader.tables[ODD].privileges == frozenset()  # no USAGE on its schema, where an identity column is
    assert not any(column.readable for column in reader.tables[ODD].columns)
    assert owner.tables[app("parent")].privileges == {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "OWNER"}
    assert not owner.tables[app("parent")].rls_active


def test_reflection_stays_in_the_callers_transaction_and_leaves_no_trace(full: Database) -> None:
    session = connect(full.url)
    settings_before = session.execute("SELECT name, setting FROM pg_catalog.pg_settings ORDER BY name")
    others = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()"
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    session.execute("SELECT 1")
    full.execute("CREATE TABLE app.too_late (id int)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert app("too_late") not in reflect(session).tables
    assert session.one(others) == (1,)
    assert in_transaction(session)
    session.execute("COMMIT")
    assert app("too_late") in reflect(session).tables
    assert not in_transaction(session)
    assert session.execute("SELECT name, setting FROM pg_catalog.pg_settings ORDER BY name") == settings_before
    assert session.notices == []
    session.close()
    full.execute("DROP TABLE app.too_late")


def test_what_is_dropped_after_the_snapshot_does_no_harm(server: EphemeralServer) -> None:
    with fresh_database(server) as database:
        database.execute(
            "CREATE TABLE kept (id int); CREATE TABLE gone (id int PRIMARY KEY CHECK (id > 0), v int UNIQUE);"
            "CREATE TABLE refers (id int REFERENCES gone, EXCLUDE (id WITH =)); CREATE VIEW looked AS SELECT * FROM gone;"
            "CREATE RULE r AS ON DELETE TO gone DO INSTEAD NOTHING; CREATE INDEX ON gone (lower(v::text)) WHERE v > 1"
        )
        session = connect(database.url)
        session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        session.execute("SELECT count(*) FROM pg_catalog.pg_class")
        database.execute("DROP TABLE gone CASCADE; DROP TABLE refers")
        tables = {name.name: table for name, table in reflect(session).tables.items()}
        session.close()
    assert tables.keys() == {"kept", "gone", "refers", "looked"}
    assert column(tables["kept"], "id").type.text == "integer"


def test_a_locked_table_does_not_hold_reflection_up(source_db: Database) -> None:
    source_db.execute("CREATE TABLE locked (id int)")
    with psycopg.connect(source_db.url) as blocker:
        blocker.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
        session = connect(source_db.url)
        session.execute("SET statement_timeout = '5s'")
        assert reflect(session).tables[TableName("public", "locked")].pages >= 0
        session.close()


def test_sizes_are_those_of_now(source_db: Database) -> None:
    source_db.execute("CREATE TABLE grown (id int PRIMARY KEY, t text)", "ANALYZE grown")
    source_db.execute("INSERT INTO grown SELECT i, repeat('x', 500) FROM generate_series(1, 2000) i")
    table = reflected(source_db.url).tables[TableName("public", "grown")]
    assert table.pages * 8192 >= 1_000_000
    assert table.size >= table.pages * 8192
    assert table.index_size > 0
    assert table.row_estimate <= 0  # what ANALYZE saw


def test_sixteen_hundred_columns_and_five_hundred_tables_are_read_fast(source_db: Database) -> None:
    columns = ", ".join(f"c{number} int" for number in range(1600))
    source_db.execute(
        f"CREATE TABLE wide ({columns})",
        "DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE TABLE t%s (id bigserial PRIMARY KEY, "
        "a text UNIQUE, b int CHECK (b > 0), c numeric(10,2) DEFAULT 1)', i); END LOOP; END $$",
    )
    session = connect(source_db.url)
    reflect(session)  # the import of SQLAlchemy
    started = time.monotonic()
    catalog = reflect(session)
    elapsed = time.monotonic() - started
    session.close()
    assert len(catalog.tables) == 501
    assert len(catalog.tables[TableName("public", "wide")].columns) == 1600
    assert elapsed < 5  # about 0.4 s on an idle machine


_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20).filter(
    lambda name: (
        len(name.encode()) <= 63 and not name.startswith("pg_") and name not in ("dbsync", "information_schema")
    )
)


@given(names=st.lists(_NAMES, min_size=6, max_size=6, unique=True))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_identifier_survives(source_db: Database, names: list[str]) -> None:
    schema, one, two, column, other, constraint = names
    text = sql.SQL(
        "CREATE SCHEMA {s}; CREATE TABLE {s}.{a} ({c} int PRIMARY KEY, {o} int UNIQUE);"
        "CREATE TABLE {s}.{b} ({c} int, {o} int, CONSTRAINT {k} FOREIGN KEY ({o}) REFERENCES {s}.{a} ({o}));"
    ).format(s=_i(schema), a=_i(one), b=_i(two), c=_i(column), o=_i(other), k=_i(constraint))
    with (
        psycopg.connect(source_db.url, autocommit=True) as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute(text)
        # Through the same connection, since nothing is committed.
        catalog = reflect(Session(connection, parse_url(source_db.url)))
    first, second = catalog.tables[TableName(schema, one)], catalog.tables[TableName(schema, two)]
    assert [key.columns for key in first.keys] == [(column,), (other,)]
    (key,) = second.foreign_keys
    assert (key.name, key.columns, key.ref_table) == (constraint, (other,), first.name)
    assert _index_columns(first) == {(column,), (other,)}


def _i(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _index_columns(table: Table) -> set[tuple[str, ...]]:
    return {index.columns for index in table.indexes}
