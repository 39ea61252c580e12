"""Rules that need a server, a version or an option which the acceptance tests of ``validate`` do not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbsync.data.checks.structure import structure_problems
from dbsync.data.columns import pair_columns
from dbsync.data.limits import Shrinking, over_limit
from dbsync.data.options import DeleteLimit, SyncOptions
from dbsync.data.planner import draft_plan
from dbsync.data.units import select_units
from dbsync.model import Catalog, Circumstances, Collation, Column, ColumnType, Table, TableName, Trigger, UniqueKey

OWNER = frozenset({"OWNER", "SELECT"})
T = TableName("public", "t")
C = Collation(name="default", provider="c", locale="C")
QUIET = Circumstances(default_collation=C)


def kind(name, typmod=-1):
    return ColumnType(text=name, oid=1, schema="pg_catalog", name=name, typmod=typmod)


COLUMNS = (
    Column(name="id", position=1, type=kind("int4"), nullable=False),
    Column(name="n", position=2, type=kind("numeric")),
    Column(name="bounded", position=3, type=kind("numeric", 655366)),
    Column(name="i", position=4, type=kind("interval")),
)
PLAIN = Table(
    name=T, oid=1, columns=COLUMNS, keys=(UniqueKey(name="t_pkey", columns=("id",), primary=True),), privileges=OWNER
)


def catalog(*tables, major=18, **facts):
    facts = {"encoding": "UTF8"} | facts
    return Catalog(
        database="db", server_version=f"{major}.0", server_version_num=major * 10000, role="r",
        tables={one.name: one for one in tables or (PLAIN,)}, **facts,
    )  # fmt: skip


def told(source=None, target=None, around=(QUIET, QUIET), **options):
    source, target, chosen = source or catalog(), target or catalog(), SyncOptions(**options)
    draft = draft_plan(source, target, select_units(source, target, chosen), chosen, filled={T: True})
    found = [*draft.problems, *draft.plan.refusals, *structure_problems(draft, *around)]
    return {(problem.rule, problem.column) for problem in found}


def test_two_equal_structures_are_quiet():
    assert told() == set()


@pytest.mark.parametrize(
    ("newer", "older", "columns"),
    [(14, 13, {"n"}), (17, 16, {"i"}), (18, 13, {"n", "i"}), (16, 14, set()), (18, 17, set())],
)
def test_infinities_count_from_the_version_that_knows_them(newer, older, columns):
    expected = {("infinity_unsupported", column) for column in columns} | {("server_older", None)}
    assert told(catalog(major=newer), catalog(major=older)) == expected
    assert told(catalog(major=older), catalog(major=newer)) == set()


def test_what_a_server_is():
    assert told(target=catalog(in_recovery=True)) == {("standby_target", None)}
    assert told(source=catalog(in_recovery=True)) == set()
    assert told(catalog(encoding="SQL_ASCII")) == {("encoding_unknown", None)}
    assert told(catalog(), catalog(encoding="SQL_ASCII")) == {("encoding_unknown", None)}
    assert told(catalog(encoding="SQL_ASCII"), catalog(encoding="SQL_ASCII")) == set()


def test_default_collations():
    def of(left, right):
        return told(around=(replace(QUIET, default_collation=left), replace(QUIET, default_collation=right)))

    german = Collation(name="default", provider="i", locale="de", version="1", actual="1")
    assert of(german, german) == set()
    assert of(C, replace(C, provider="b", locale="C.UTF-8")) == set()  # code points on both sides
    assert of(C, german) == {("collation_default", None)}
    assert of(german, replace(german, version="2", actual="2")) == {("collation_version", None)}
    assert of(replace(german, actual="2"), german) == {("collation_stale", None)}
    assert of(replace(german, actual=None), german) == set()


def test_triggers_that_are_kept_fire():
    loud = catalog(replace(PLAIN, triggers=(Trigger(name="audit", definition=""),)))
    silent = catalog(replace(PLAIN, triggers=(Trigger(name="audit", definition="", state="disabled"),)))
    assert told(loud, loud, triggers="keep") == {("triggers_fire", None)}
    assert told(loud, loud) == {("triggers_off", None)}
    assert told(silent, silent, triggers="keep") == set()


def test_a_cursor_needs_an_order_and_a_key():
    by = {"mode": "cursor", "cursors": {"t": "id"}}
    assert told(**by) == set()
    assert told(mode="cursor", cursors={"t": "i"}) == {("cursor_column", None)}
    keyless = catalog(replace(PLAIN, keys=()))
    assert told(keyless, keyless, **by) == {("cursor_key", None)}


def test_deletes_have_limits():
    def rules(deleted, held, rows, limit=None):
        chosen = DeleteLimit.parse(limit) if limit else None
        return [problem.rule for problem in over_limit([Shrinking(T, deleted, held, rows)], chosen)]

    assert rules(5, 10, 5) == rules(5, 10, 5, "50%") == rules(5, 5, 0, "100%") == rules(0, 0, 0) == []
    assert rules(5, 10, 5, "49%") == rules(5, 10, 5, "4") == ["delete_limit"]
    assert rules(5, 5, 0) == ["source_emptied"]


def test_columns_that_cannot_be_named_or_read():
    unreadable = replace(PLAIN, columns=(replace(COLUMNS[0], readable=False),))
    found = pair_columns(unreadable, unreadable, only=["id", "no"], schemas={}).problems
    assert {(problem.rule, problem.column) for problem in found} == {
        ("column_unreadable", "id"), ("column_unknown", "no"),
    }  # fmt: skip
    assert pair_columns(PLAIN, PLAIN, only=["id"], schemas={}).problems == ()
