"""Any two contents of any schema: ``sync --delete`` makes one the other, writes what a dry run says, then nothing.

Hypothesis draws the schema and both contents, and shrinks what fails to the smallest of its kind.
``DBSYNC_DELTA_EXAMPLES=200`` draws more of them than a run of all tests does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.fixtures import oracle
from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import Pair, run_sql

EXAMPLES = int(os.environ.get("DBSYNC_DELTA_EXAMPLES", "8"))
_NAMES = ("plain", 'Od"d', "sp ace", "naïve.dot", "select", "%s{}", "x" * 63)
_ACTIONS = ("NO ACTION", "CASCADE", "SET NULL")
_KEYS = ("(id)", "(id, k)", "(k, id)", "")
_VALUES = st.sampled_from((None, "", "a", "A", "a ", "1.0", "1.00", "\\N", "é", "x\ty", "long" * 400))
_NUMBERS = ("rows_inserted", "rows_updated", "rows_deleted")

Row = tuple[int, str, str | None, int | None]


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: id, k, v and a reference to another (or the same) table's id, which is unique in all of them."""

    name: str
    key: str
    partitions: bool
    unique: bool
    refers: str | None
    action: str
    deferrable: str

    def tables(self) -> str:
        """CREATE TABLE; partitions have a key that holds what they are cut by."""
        name, key = _name(self.name), "(id)" if self.partitions else self.key
        columns = "id int NOT NULL, k text NOT NULL, v text, ref int"
        primary = f", PRIMARY KEY {key}" if key else ""
        if self.partitions:
            parts = "".join(
                f"CREATE TABLE app.{_name(self.name[:50] + str(n))} PARTITION OF app.{name} "
                f"FOR VALUES WITH (MODULUS 2, REMAINDER {n});"
                for n in range(2)
            )
            return f"CREATE TABLE app.{name} ({columns}{primary}) PARTITION BY HASH (id);{parts}"
        single = ", UNIQUE (id)" if key != "(id)" else ""
        once = ", UNIQUE (v)" if self.unique else ""
        return f"CREATE TABLE app.{name} ({columns}{primary}{single}{once});"

    def references(self) -> str:
        """The foreign key, added when the rows are there."""
        if self.refers is None:
            return ""
        return (
            f"ALTER TABLE app.{_name(self.name)} ADD FOREIGN KEY (ref) REFERENCES app.{_name(self.refers)} (id) "
            f"ON DELETE {self.action} ON UPDATE {self.action} {self.deferrable};"
        )


@st.composite
def shapes(draw: st.DrawFn) -> list[Shape]:
    """One to three tables; each may refer to any of them, so that there are chains, circles and trees."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
    return [
        Shape(
            name,
            draw(st.sampled_from(_KEYS)),
            partitions=draw(st.booleans()),
            unique=draw(st.booleans()),
            refers=draw(st.none() | st.sampled_from(names)),
            action=draw(st.sampled_from(_ACTIONS)),
            deferrable=draw(st.sampled_from(("", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"))),
        )
        for name in names
    ]


@st.composite
def contents(draw: st.DrawFn, tables: list[Shape]) -> dict[str, list[Row]]:
    """Rows for each table that all constraints allow."""
    ids = {shape.name: draw(st.lists(st.integers(1, 9), max_size=7, unique=True)) for shape in tables}
    found: dict[str, list[Row]] = {}
    for shape in tables:
        targets = st.sampled_from([None, *ids.get(shape.refers or "", [])])
        values = draw(st.lists(_VALUES, min_size=len(ids[shape.name]), max_size=len(ids[shape.name])))
        if shape.unique:
            values = [value if value not in values[:place] else None for place, value in enumerate(values)]
        found[shape.name] = [
            (number, draw(st.sampled_from("ab")), value, draw(targets))
            for number, value in zip(ids[shape.name], values, strict=True)
        ]
    return found


@st.composite
def databases(draw: st.DrawFn) -> tuple[list[Shape], dict[str, list[Row]], dict[str, list[Row]]]:
    """A schema, what the source holds, and what the target holds."""
    tables = draw(shapes())
    return tables, draw(contents(tables)), draw(contents(tables))


def _name(text: str) -> str:
    return sql.Identifier(text).as_string()


def _script(tables: list[Shape], held: dict[str, list[Row]]) -> str:
    rows = "".join(
        sql.SQL("INSERT INTO app.{} VALUES ({});")
        .format(sql.Identifier(name), sql.SQL(", ").join(map(sql.Literal, row)))
        .as_string()
        for name, each in held.items()
        for row in each
    )
    made = "".join(shape.tables() for shape in tables)
    return f"DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app; {made} {rows} " + "".join(
        shape.references() for shape in tables
    )


def _numbers(result: dict[str, Any]) -> dict[str, list[int]]:
    return {table["table"]: [table[name] for name in _NUMBERS] for table in result["tables"]}


def test_any_content_becomes_any_other(pairs, capsys: pytest.CaptureFixture[str]) -> None:
    pair: Pair = pairs()
    call = InProcess(capsys)
    args = ("sync", pair.source, pair.target, "--json", "--delete", "--max-delete", "100%")

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(databases())
    def becomes(drawn: tuple[list[Shape], dict[str, list[Row]], dict[str, list[Row]]]) -> None:
        tables, mine, theirs = drawn
        run_sql(pair.source, _script(tables, mine))
        run_sql(pair.target, _script(tables, theirs))
        planned = call(*args, "--dry-run")
        done = call(*args, "--yes")
        assert (planned.exit_code, done.exit_code) == (0, 0), done
        assert oracle.differences(pair.source, pair.target) == []
        assert _numbers(planned.document["result"]) == _numbers(done.document["result"])
        again = call(*args, "--yes").document["result"]
        assert not any(map(any, _numbers(again).values())), again

    becomes()
    assert oracle.leftovers(pair.target) == []
