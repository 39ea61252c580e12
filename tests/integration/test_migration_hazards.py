"""What statements do to those who use a database is measured on empty tables, and is what Postgres documents."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import pytest

from dbsync.pg.database import Database, Session
from dbsync.pg.measure import Effects, TableSize, measured, sizes
from dbsync.schema.hazards import TYPES, hazards_of, needs_leave
from dbsync.schema.objects import Ref
from dbsync.schema.plan import Hazard, Statement
from dbsync.schema.steps import Check
from dbsync.urls import parse_url

SCENE = """
    CREATE TYPE mood AS ENUM ('a', 'b');
    CREATE TABLE t (
        id int PRIMARY KEY, short varchar(10), n int, big numeric(10, 2), at timestamp, txt text, m mood,
        checked int CHECK (checked IS NOT NULL)
    );
    CREATE TABLE other (id int PRIMARY KEY, t int, tid int);
    CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE free (id int, day date);
    CREATE INDEX t_n ON t (n);
    CREATE MATERIALIZED VIEW mv AS SELECT id FROM t;
    CREATE VIEW v AS SELECT id FROM t;
    ALTER TABLE other ADD CONSTRAINT waiting FOREIGN KEY (tid) REFERENCES t NOT VALID;
    ALTER TABLE other ADD CONSTRAINT unchecked CHECK (t > 0) NOT VALID;
"""
EXCLUSIVE, SHARE, ROW = "AccessExclusiveLock", "ShareLock", "ShareRowExclusiveLock"
UPDATE = "ShareUpdateExclusiveLock"
# Statement, the locks it takes on tables that were there, what it rewrites, reads whole, builds indexes of.
PROBE: list[tuple[str, dict[str, str], str, str, str]] = [
    ("ALTER TABLE public.t ADD COLUMN a int", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ADD COLUMN a int NOT NULL DEFAULT 7", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ADD COLUMN a float8 DEFAULT random()", {"t": EXCLUSIVE}, "t", "t", "t"),
    ("ALTER TABLE public.t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY", {"t": EXCLUSIVE}, "t", "t", "t"),
    ("ALTER TABLE public.t ADD COLUMN a int GENERATED ALWAYS AS (n + 1) STORED", {"t": EXCLUSIVE}, "t", "t", "t"),
    ("ALTER TABLE public.t DROP COLUMN n", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ALTER COLUMN short TYPE varchar(20)", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ALTER COLUMN short TYPE text", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ALTER COLUMN short TYPE varchar(5)", {"t": EXCLUSIVE}, "t", "t", "t"),
    ("ALTER TABLE public.t ALTER COLUMN big TYPE numeric(12, 2)", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ALTER COLUMN big TYPE numeric(12, 3)", {"t": EXCLUSIVE}, "t", "t", "t"),
    ("ALTER TABLE public.t ALTER COLUMN n TYPE bigint", {"t": EXCLUSIVE}, "t", "t", "t"),
    ("ALTER TABLE public.t ALTER COLUMN at TYPE timestamptz", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ALTER COLUMN txt SET NOT NULL", {"t": EXCLUSIVE}, "", "t", ""),
    ("ALTER TABLE public.t ALTER COLUMN checked SET NOT NULL", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ALTER COLUMN n SET DEFAULT 3", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ALTER COLUMN n SET STATISTICS 500", {"t": UPDATE}, "", "", ""),
    ("ALTER TABLE public.t RENAME COLUMN n TO number", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.t ADD CONSTRAINT c CHECK (n > 0)", {"t": EXCLUSIVE}, "", "t", ""),
    ("ALTER TABLE public.t ADD CONSTRAINT c CHECK (n > 0) NOT VALID", {"t": EXCLUSIVE}, "", "", ""),
    ("ALTER TABLE public.other VALIDATE CONSTRAINT unchecked", {"other": UPDATE}, "", "other", ""),
    ("ALTER TABLE public.t ADD CONSTRAINT u UNIQUE (n)", {"t": EXCLUSIVE}, "", "t", "t"),
    (
        "ALTER TABLE public.other ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES public.t",
        {"other": ROW, "t": ROW}, "", "other", "",
    ),
    (
        "ALTER TABLE public.other ADD CONSTRAINT f FOREIGN KEY (t) REFERENCES public.t NOT VALID",
        {"other": ROW, "t": ROW}, "", "", "",
    ),
    ("CREATE INDEX i ON public.t (txt)", {"t": SHARE}, "", "t", "t"),
    ("DROP INDEX public.t_n", {"t": EXCLUSIVE}, "", "", ""),
    ("DROP TABLE public.free", {"free": EXCLUSIVE}, "", "", ""),
    (
        "ALTER TABLE public.parts ATTACH PARTITION public.free FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')",
        {"parts": UPDATE, "free": EXCLUSIVE}, "", "free", "",
    ),
    ("REFRESH MATERIALIZED VIEW public.mv", {"mv": EXCLUSIVE}, "mv", "t", ""),
    ("ALTER TABLE public.free SET UNLOGGED", {"free": EXCLUSIVE}, "free", "free", ""),
    ("CLUSTER public.t USING t_n", {"t": EXCLUSIVE}, "t", "", "t"),
    ("COMMENT ON TABLE public.t IS '100 % of {}'", {"t": UPDATE}, "", "", ""),
    ("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY", {"t": EXCLUSIVE}, "", "", ""),
    ("CREATE VIEW public.w AS SELECT * FROM public.t", {}, "", "", ""),
]  # fmt: skip


class _Undo(Exception):
    pass


def tried(session: Session, sql: str) -> Effects:
    """What a statement does, which is then undone."""
    found: list[Effects] = []
    with suppress(_Undo), session.transaction():
        found.append(measured(session, sql))
        raise _Undo
    return found[0]


def names(tables: Iterable[tuple[str, str]]) -> set[str]:
    return {name for _, name in tables}


@pytest.fixture
def scene(target_db):
    target_db.execute(SCENE)
    session = Database(parse_url(target_db.url)).connect()
    yield session
    session.close()


def test_effects_are_those_that_postgres_documents(scene):
    for sql, locks, rewrites, scans, builds in PROBE:
        found = tried(scene, sql)
        assert {name: mode for (_, name), mode in found.locks.items()} == locks, sql
        assert names(found.rewrites) == set(rewrites.split()), sql
        if not rewrites:  # else it is the rewrite that reads the table and builds its indexes again
            assert (names(found.scans), names(found.builds)) == (set(scans.split()), set(builds.split())), sql


def test_timestamps_are_rewritten_where_the_session_is_not_at_utc(scene):
    change = "ALTER TABLE public.t ALTER COLUMN at TYPE timestamptz"
    assert not tried(scene, change).rewrites
    scene.execute("SET TimeZone = 'Europe/Berlin'")
    assert names(tried(scene, change).rewrites) == {"t"}


def told(session: Session, sql: str, weights: dict[tuple[str, str], TableSize], **facts) -> dict[str, str]:
    """The hazards of a statement: label -> sentence."""
    ref = facts.pop("ref", Ref("table", "public", "t"))
    statement = Statement(sql=sql, ref=ref, action=facts.pop("action", "alter"), **facts)
    effects = tried(session, sql) if statement.transactional else None
    found = hazards_of(statement, effects, weights)
    assert {hazard.type for hazard in found} <= set(TYPES)
    return {hazard.type: hazard.message for hazard in found}


def test_a_person_is_told_what_it_costs_in_the_sizes_of_the_real_table(scene):
    big = {("public", "t"): TableSize(41_200_000, 18_400_000_000), ("public", "other"): TableSize(None, 8192)}
    heavy = told(scene, "ALTER TABLE public.t ALTER COLUMN n TYPE bigint", big)
    assert heavy == {
        "TABLE_REWRITE": "rewrites public.t, about 41 M rows, 18 GB, blocks reads and writes",
        "ACQUIRES_ACCESS_EXCLUSIVE_LOCK": "blocks reads and writes of public.t (about 41 M rows, 18 GB)",
    }
    assert told(scene, "CREATE INDEX i ON public.t (txt)", big)["INDEX_BUILD"] == (
        "builds an index on public.t, about 41 M rows, 18 GB, blocks writes"
    )
    assert told(scene, "ALTER TABLE public.other ALTER COLUMN t SET NOT NULL", big)["TABLE_SCAN"] == (
        "reads all of public.other, size unknown, 8.2 kB, blocks reads and writes"
    )
    light = told(scene, "ALTER TABLE public.other VALIDATE CONSTRAINT unchecked", big)
    assert light == {"TABLE_SCAN": "reads all of public.other, size unknown, 8.2 kB"}
    assert told(scene, "ALTER TABLE public.t ADD COLUMN a int", {}) == {}  # the table is new in this plan


def test_what_no_measurement_finds_has_its_label_too(scene):
    def labels(sql: str, **facts) -> set[str]:
        return set(told(scene, sql, {}, **facts))

    column = Ref("column", "public", "t", "txt")
    check = Check("SELECT 1", "{} rows")
    assert labels(
        "ALTER TABLE public.t DROP COLUMN txt", ref=column, action="drop", destroys="values of public.t.txt"
    ) == {"DELETES_DATA", "BREAKS_OLD_CLIENTS"}
    assert labels("ALTER TABLE public.t ALTER COLUMN txt SET NOT NULL", ref=column, checks=(check,)) == {
        "MAY_FAIL_ON_DATA"
    }
    assert labels("GRANT SELECT ON public.t TO PUBLIC") == {"AUTHZ_UPDATE"}
    assert labels("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY") == {"AUTHZ_UPDATE"}
    assert labels("ALTER TABLE public.t REPLICA IDENTITY FULL") == {"CORRECTNESS"}
    assert labels("ALTER TABLE public.t RENAME COLUMN txt TO text", ref=column) == {"BREAKS_OLD_CLIENTS"}
    index = Ref("index", "public", "t_n")
    assert labels("DROP INDEX public.t_n", ref=index, action="drop") == {"INDEX_DROPPED"}
    assert labels("DROP INDEX CONCURRENTLY public.t_n", ref=index, action="drop", transactional=False) == {
        "INDEX_DROPPED", "NOT_TRANSACTIONAL",
    }  # fmt: skip
    body = "CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'"
    assert labels(body, ref=Ref("function", "public", "f"), action="create") == {"HAS_UNTRACKABLE_DEPENDENCIES"}


def test_words_in_names_and_texts_are_no_statements(scene):
    def labels(sql: str, **facts) -> set[str]:
        return set(told(scene, sql, {}, **facts))

    assert (
        labels("COMMENT ON TABLE public.t IS 'the OWNER TO, REPLICA IDENTITY and ROW LEVEL SECURITY; RENAME it'")
        == set()
    )
    scene.execute('CREATE TABLE public." rename " (a int)')
    assert labels('ALTER TABLE public." rename " ADD COLUMN b int', ref=Ref("table", "public", " rename ")) == set()


def test_the_sizes_of_partitions_are_their_parents(scene):
    scene.execute("INSERT INTO public.parts SELECT g, '2020-01-01'::date + g % 300 FROM generate_series(1, 5000) g")
    scene.execute("ANALYZE public.part_1")
    found = sizes(scene, [("public", "parts"), ("public", "part_1"), ("public", "mv"), ("public", "no such")])
    assert found.keys() == {("public", "parts"), ("public", "part_1"), ("public", "mv")}
    assert found["public", "parts"] == found["public", "part_1"]
    assert found["public", "parts"].rows == 5000
    assert found["public", "parts"].bytes > 5000 * 30
    assert sizes(scene, []) == {}


def test_leave_is_needed_for_what_deletes_and_for_what_is_long():
    rewrite = Hazard(type="TABLE_REWRITE", message="")
    assert needs_leave(Hazard(type="DELETES_DATA", message=""))
    assert [needs_leave(replace(rewrite, rows=rows)) for rows in (None, 999_999, 1_000_000)] == [False, False, True]
    assert not needs_leave(Hazard(type="ACQUIRES_SHARE_LOCK", message="", rows=10**9))
