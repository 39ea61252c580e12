"""A fingerprint is another one exactly when ``diff`` finds a difference in the structure, on servers of all versions."""

from __future__ import annotations

from pathlib import Path

import pytest

import dbsync
from dbsync.local import EphemeralServer
from dbsync.pg.database import Database as Handle
from dbsync.schema.choice import Choice
from dbsync.schema.fingerprint import fingerprint
from dbsync.schema.objects import Snapshot
from dbsync.schema.snapshot import take_snapshot
from dbsync.schema_diff import compare_snapshots
from dbsync.urls import parse_url
from tests.fixtures.databases import Database, fresh_database
from tests.fixtures.diffcases import make_case_roles
from tests.fixtures.mutations import mutate
from tests.integration.test_reflect import CASES, everything

_SHOP = (Path(dbsync.__file__).parent / "demo" / "shop_schema.sql").read_text(encoding="utf-8")
_STRUCTURE = Choice(ignore=frozenset({"owner", "privileges"}))


def snapshot(url: str) -> Snapshot:
    session = Handle(parse_url(url), read_only=True).connect()
    try:
        return take_snapshot(session)
    finally:
        session.close()


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_change_it_exactly_when_diff_finds_them(seed: int, source_db: Database) -> None:
    make_case_roles(source_db.server)
    source_db.execute(_SHOP)
    before, seen = snapshot(source_db.url), 0
    for number in range(80):
        (made,) = mutate(source_db.url, 1, seed * 1000 + number)
        after = snapshot(source_db.url)
        same = compare_snapshots(before, after, _STRUCTURE).diff.empty
        assert (fingerprint(after) == fingerprint(before)) == same, made
        before, seen = after, seen + (not same)
    assert seen > 50


def test_every_change_of_structure_changes_the_fingerprint(source_db: Database) -> None:
    changes = (
        "ALTER TABLE app.parent ADD COLUMN new int", "ALTER TABLE app.parent ALTER COLUMN score SET DEFAULT 2",
        "ALTER TABLE app.parent ALTER COLUMN score SET NOT NULL", "COMMENT ON COLUMN app.parent.id IS 'x'",
        "DROP INDEX app.parent_lower_score_idx", "ALTER TABLE app.parent DISABLE TRIGGER checked",
        "ALTER TABLE app.parent NO FORCE ROW LEVEL SECURITY", "ALTER POLICY reading ON app.parent USING (false)",
        "ALTER TYPE app.mood ADD VALUE 'new'", "ALTER SEQUENCE app.shared INCREMENT 2", "CREATE TABLE app.new ()",
        "CREATE OR REPLACE FUNCTION app.is_even(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'",
        "ALTER TABLE app.refers DROP CONSTRAINT refers_id_at_kind_fkey", "CREATE SCHEMA new", "DROP VIEW app.guarded",
        "ALTER TABLE app.parent VALIDATE CONSTRAINT later", "CREATE VIEW v AS SELECT id FROM app.parent",
        "ALTER VIEW v SET (security_barrier)", "ALTER VIEW v SET (check_option = local)",
        "ALTER TABLE app.parent SET (fillfactor = 50)", "ALTER TABLE app.parent REPLICA IDENTITY FULL",
        "CREATE TABLE t (a text, b text)", "ALTER TABLE t ALTER a SET STORAGE EXTERNAL",
        "ALTER TABLE t ALTER a SET COMPRESSION pglz", "ALTER TABLE t ALTER a SET STATISTICS 7",
        "CREATE STATISTICS s ON a, b FROM t", "CREATE COLLATION c (LOCALE = 'C')",
        "DROP COLLATION c; CREATE COLLATION c (LOCALE = 'POSIX')", "CREATE TYPE crate AS (x int)",
        "CREATE FUNCTION uncrate(crate) RETURNS int LANGUAGE sql AS 'SELECT $1.x'",
        "CREATE CAST (crate AS int) WITH FUNCTION uncrate(crate)",
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)", "CREATE PUBLICATION p FOR TABLE t",
        "CREATE FUNCTION fired() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION fired()", "ALTER EVENT TRIGGER e DISABLE",
        "CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER far FOREIGN DATA WRAPPER w",
        "ALTER SERVER far OPTIONS (ADD host 'there')",
    )  # fmt: skip
    unchanged = ("ANALYZE", "INSERT INTO app.ring_a VALUES (1)", "GRANT SELECT ON app.ring_a TO case_reader")
    source_db.execute(*everything(source_db.server))
    seen = {fingerprint(snapshot(source_db.url))}
    for statement in unchanged:
        source_db.execute(statement)
        assert {fingerprint(snapshot(source_db.url))} == seen, statement
    for statement in changes:
        source_db.execute(statement)
        found = fingerprint(snapshot(source_db.url))
        assert found not in seen, statement
        seen.add(found)


def test_it_is_the_same_on_servers_of_all_versions(
    pg_a: EphemeralServer, pg17: EphemeralServer, pg15: EphemeralServer
) -> None:
    scripts = [*everything(pg15), (CASES / "views.sql").read_text(), _SHOP]
    seen = set()
    for server in (pg_a, pg17, pg15):
        with fresh_database(server) as database:
            database.execute(*scripts)
            seen.add(fingerprint(snapshot(database.url)))
    assert len(seen) == 1


def test_patterns_choose_what_is_looked_at(source_db: Database) -> None:
    source_db.execute(
        "CREATE TABLE a (id serial); CREATE TABLE b (id int); CREATE TYPE mood AS ENUM ('a'); CREATE SEQUENCE free;"
        "ALTER TABLE a ADD n bigint DEFAULT nextval('free'); CREATE INDEX i ON a (n); CREATE STATISTICS s ON id, n FROM a"
    )
    seen = {fingerprint(snapshot(source_db.url), ["a"])}
    for statement in ("ALTER TABLE b ADD x int", "ALTER TYPE mood ADD VALUE 'b'", "CREATE SCHEMA other"):
        source_db.execute(statement)
        assert {fingerprint(snapshot(source_db.url), ["a"])} == seen, statement
    for statement in (
        "ALTER SEQUENCE a_id_seq CYCLE", "ALTER SEQUENCE free CYCLE", "ALTER INDEX i SET (fillfactor = 50)",
        "ALTER STATISTICS s SET STATISTICS 5", "COMMENT ON COLUMN a.n IS 'x'",
    ):  # fmt: skip
        source_db.execute(statement)
        found = fingerprint(snapshot(source_db.url), ["a"])
        assert found not in seen, statement
        seen.add(found)
    before = fingerprint(snapshot(source_db.url), ["mood"])
    source_db.execute("ALTER TYPE mood ADD VALUE 'c'")
    assert fingerprint(snapshot(source_db.url), ["mood"]) != before
