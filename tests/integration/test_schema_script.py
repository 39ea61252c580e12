"""The SQL that ``schema`` prints loads into an empty database and makes the same structure again."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from dbsync.local import EphemeralServer
from dbsync.pg.database import Database as Handle
from dbsync.schema.ddl import ForeignKeys
from dbsync.schema.report import SchemaReport, read_schema
from dbsync.urls import parse_url
from tests.fixtures import schemagen
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.pair import with_user
from tests.integration.test_reflect import everything

# The sample database lies beside the checkout where dbsync is developed.
_PAGILA = [parent / "shared" / "data" / "pagila" / "schema.sql" for parent in Path(__file__).parents]


def look(url: str, *patterns: str, foreign_keys: ForeignKeys = "with") -> SchemaReport:
    session = Handle(parse_url(url), read_only=True).connect()
    try:
        return read_schema(session, patterns, script=True, foreign_keys=foreign_keys)
    finally:
        session.close()


def assert_remade(before: SchemaReport, server: EphemeralServer) -> None:
    """Load the script into an empty database and compare by fingerprint, and by the script made of that."""
    assert before.script is not None
    with fresh_database(server) as empty:
        empty.execute(before.script.text)
        after = look(empty.url)
    assert after.script is not None
    assert after.script.text.splitlines()[1:] == before.script.text.splitlines()[1:]
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize("name", ["pg_a", "pg17", "pg15"])
def test_everything_is_made_again(name: str, request: pytest.FixtureRequest) -> None:
    server: EphemeralServer = request.getfixturevalue(name)
    with fresh_database(server) as database:
        database.execute(*everything(server))
        report = look(database.url)
    assert report.script is not None
    assert (dict(report.script.not_held), report.script.warnings) == ({}, ())
    assert_remade(report, server)


def test_foreign_keys_made_afterwards_make_the_same_schema(source_db: Database) -> None:
    source_db.execute(*everything(source_db.server))
    before = look(source_db.url)
    tables, keys = (look(source_db.url, foreign_keys=which).script for which in ("without", "only"))
    assert tables is not None
    assert keys is not None
    count = "SELECT count(*) FROM pg_catalog.pg_constraint WHERE contype = 'f'"
    with fresh_database(source_db.server) as empty:
        empty.execute(tables.text)
        assert empty.value(count) == 0
        empty.execute(keys.text)
        assert empty.value(count) == source_db.value(count)
        after = look(empty.url)
    assert before.script is not None
    assert after.script is not None
    assert after.script.text.splitlines()[1:] == before.script.text.splitlines()[1:]
    assert after.fingerprint == before.fingerprint


def test_a_role_without_rights_prints_the_same_script(source_db: Database) -> None:
    source_db.execute(*everything(source_db.server))
    mine, theirs = look(source_db.url).script, look(with_user(source_db.url, "case_reader")).script
    assert mine == theirs


def test_an_older_servers_schema_loads_into_a_newer_one(pg15: EphemeralServer, pg_a: EphemeralServer) -> None:
    with fresh_database(pg15) as database:
        database.execute(*everything(pg15))
        report = look(database.url)
    assert report.script is not None
    with fresh_database(pg_a) as newer:
        newer.execute(report.script.text)
        assert look(newer.url).catalog.tables.keys() == report.catalog.tables.keys()


@pytest.mark.parametrize("seed", range(6))
def test_random_schemas_are_made_again(seed: int, source_db: Database, pg_b: EphemeralServer) -> None:
    schema = schemagen.make(seed)
    source_db.execute(schema.before + schema.after)
    assert_remade(look(source_db.url), pg_b)


def test_pagila_is_made_again(source_db: Database, pg_b: EphemeralServer) -> None:
    path = next((path for path in _PAGILA if path.exists()), None)
    if path is None:
        pytest.skip("NOT TESTED with Pagila: no shared/data/pagila/schema.sql beside the checkout")
    source_db.execute(path.read_text())
    report = look(source_db.url)
    assert len(report.catalog.tables) > 20
    assert_remade(report, pg_b)


def test_what_a_script_cannot_hold_is_counted_and_named(source_db: Database, pg_b: EphemeralServer) -> None:
    source_db.execute(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password 'hush');"
        "CREATE FOREIGN TABLE far (a int) SERVER s;"
        "CREATE VIEW over_far AS SELECT * FROM far; CREATE VIEW over_view AS SELECT * FROM over_far;"
        "CREATE FUNCTION of_far(far) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE TABLE near (a int DEFAULT 3, b int CHECK (b > 0));"
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);"
        "ALTER TABLE near ADD CONSTRAINT odd CHECK (a OPERATOR(public.===) b OR a = 1);"
        "CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.simple); ALTER TABLE near ADD COLUMN t text;"
        "CREATE INDEX search ON near USING gin (to_tsvector('public.words', t)); COMMENT ON INDEX search IS 'x';"
        "ALTER INDEX search ALTER 1 SET STATISTICS 5;"
        "CREATE INDEX failed ON near ((a + 1)); COMMENT ON INDEX failed IS 'x'; ALTER INDEX failed ALTER 1 SET STATISTICS 5;"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'failed'::regclass;"
        "CREATE POLICY far ON near USING (public.of_far(NULL) = 1);"
        "ALTER TABLE near ADD CONSTRAINT unsure CHECK (a OPERATOR(public.===) b) NOT VALID;"
        "CREATE PUBLICATION p FOR TABLE near; GRANT SELECT ON near TO case_reader;"
        "CREATE POLICY only_reader ON near TO case_reader USING (true); SELECT lo_create(0);"
    )
    script = look(source_db.url).script
    assert script is not None
    assert script.not_held == {
        "foreign data wrapper": 1, "foreign server": 1, "foreign table": 1, "view": 2, "function": 1, "operator": 1,
        "constraint": 2, "publication": 1, "index": 1, "policy": 1, "text search configuration": 1, "grants on a relation": 1, "large object": 1,
        "invalid index": 1,
    }  # fmt: skip
    told = "\n".join(script.warnings)
    for name in ("public.far", "public.over_far", "public.over_view", "public.of_far", "constraint odd", "case_reader"):
        assert name in told
        assert name in script.text.split("\n\n")[0]
    assert "hush" not in script.text
    with fresh_database(pg_b) as empty:
        empty.execute(script.text)
        assert empty.value("SELECT count(*) FROM pg_constraint WHERE conname = 'near_b_check'") == 1


def test_the_statistics_targets_of_a_constraints_index_are_printed(source_db: Database, pg_b: EphemeralServer) -> None:
    source_db.execute(
        "CREATE TABLE t (a int, CONSTRAINT x EXCLUDE USING btree ((a + 1) WITH =)); ALTER INDEX x ALTER 1 SET STATISTICS 5"
    )
    report = look(source_db.url)
    assert report.script is not None
    assert "ALTER INDEX public.x ALTER COLUMN 1 SET STATISTICS 5;" in report.script.text
    assert_remade(report, pg_b)


def test_a_selection_takes_the_sequences_of_its_tables_along(source_db: Database, pg_b: EphemeralServer) -> None:
    source_db.execute(
        "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (id serial PRIMARY KEY, g int GENERATED ALWAYS AS IDENTITY);"
        "CREATE TABLE other (id int); CREATE FUNCTION other_f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    report = look(source_db.url, "t", "mood")
    assert [name.name for name in report.catalog.tables] == ["t"]
    assert sorted(name.name for name in report.catalog.sequences) == ["t_g_seq", "t_id_seq"]
    assert [type_.name for type_ in report.catalog.types] == ["mood"]
    assert report.script is not None
    with fresh_database(pg_b) as empty:
        empty.execute(report.script.text)
        assert look(empty.url).catalog.tables.keys() == report.catalog.tables.keys()


def test_comments_and_names_cannot_smuggle_statements(source_db: Database, pg_b: EphemeralServer) -> None:
    evil = "x\n'; CREATE TABLE smuggled (); --\"; CREATE TABLE smuggled (); --"
    with psycopg.connect(source_db.url, autocommit=True) as connection:
        quoted = '"' + evil[:60].replace('"', '""') + '"'
        connection.execute(f"CREATE TABLE {quoted} ({quoted} int)".encode())
        literal = "'" + evil.replace("'", "''") + "'"
        connection.execute(f"COMMENT ON TABLE {quoted} IS {literal}".encode())
        connection.execute(f"CREATE TYPE mood AS ENUM ({literal[:-1][:50]}')".encode())
    report = look(source_db.url)
    assert_remade(report, pg_b)
    assert "smuggled" not in {name.name for name in report.catalog.tables}
