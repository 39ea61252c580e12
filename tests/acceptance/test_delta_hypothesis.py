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
_ACTIONS = ("CASCADE", "SET NULL", "NO ACTION", "SET DEFAULT", "RESTRICT", "CASCADE", "SET NULL")
_KEYS = ("(id)", "(id, k)", "(k, id)", "")
_VALUES = st.sampled_from((None, "", "a", "A", "a ", "1.0", "1.00", "\\N", "é", "x\ty", "long" * 400))
_NUMBERS = ("rows_inserted", "rows_updated", "rows_deleted")

Row = tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key to a table's id, or to what else is unique there; ``default`` is the id or code of its DEFAULT."""

    to: str
    second: bool
    on_delete: str
    on_update: str
    default: int | None
    deferrable: str
    full: bool  # MATCH FULL


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: id, k, v, code and references to other tables, or to itself; id is unique in all of them.

    ``second`` is what else is unique: the code, or the code and k, or, where there are partitions, the code and id.
    """

    name: str
    key: str
    partitions: bool
    unique: bool
    second: tuple[str, ...]
    indexed: bool  # by an index, not by a constraint
    references: tuple[Reference, ...]

    def tables(self, others: dict[str, Shape]) -> str:
        """CREATE TABLE; partitions have a key that holds what they are cut by."""
        name, key = _name(self.name), "(id)" if self.partitions else self.key
        columns = "id int NOT NULL, k text NOT NULL, v text, code int NOT NULL"
        for number, one in enumerate(self.references):
            default = "" if one.default is None else f" DEFAULT {one.default}"
            columns += f", ref{number} int{default}"
            if len(_referred(one, others)) > 1:
                text = _referred(one, others)[1] == "k"
                more = "" if one.default is None else " DEFAULT 'a'" if text else f" DEFAULT {one.default}"
                columns += f", also{number} {'text' if text else 'int'}{more}"
        primary = f", PRIMARY KEY {key}" if key else ""
        single = ", UNIQUE (id)" if key != "(id)" else ""
        once = ", UNIQUE (v)" if self.unique and not self.partitions else ""
        second, after = f"({', '.join(self.second)})", ""
        if self.second and self.indexed:
            after = f"CREATE UNIQUE INDEX ON app.{name} {second};"
        elif self.second:
            once += f", UNIQUE {second}"
        if self.partitions:
            parts = "".join(
                f"CREATE TABLE app.{_name(self.name[:50] + str(n))} PARTITION OF app.{name} "
                f"FOR VALUES WITH (MODULUS 2, REMAINDER {n});"
                for n in range(2)
            )
            return f"CREATE TABLE app.{name} ({columns}{primary}{once}) PARTITION BY HASH (id);{parts}{after}"
        return f"CREATE TABLE app.{name} ({columns}{primary}{single}{once});{after}"

    def constraints(self, others: dict[str, Shape]) -> str:
        """The foreign keys, added when the rows are there."""
        text = ""
        for number, one in enumerate(self.references):
            referred = _referred(one, others)
            columns = f"ref{number}, also{number}" if len(referred) > 1 else f"ref{number}"
            text += (
                f"ALTER TABLE app.{_name(self.name)} ADD FOREIGN KEY ({columns}) REFERENCES app.{_name(one.to)} "
                f"({', '.join(referred)}){' MATCH FULL' if one.full else ''} "
                f"ON DELETE {one.on_delete} ON UPDATE {one.on_update} {one.deferrable};"
            )
        return text


def _referred(reference: Reference, tables: dict[str, Shape]) -> tuple[str, ...]:
    """The columns that a foreign key refers to."""
    second = tables[reference.to].second
    return second if reference.second and second else ("id",)


@st.composite
def shapes(draw: st.DrawFn) -> dict[str, Shape]:
    """One to three tables; each may refer to any of them, so that there are chains, circles and trees."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
    references = st.builds(
        Reference,
        to=st.sampled_from(names),
        second=st.sampled_from((True, True, False)),
        on_delete=st.sampled_from(_ACTIONS),
        on_update=st.sampled_from(_ACTIONS),
        default=st.none() | st.integers(1, 9),
        deferrable=st.sampled_from(("", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED")),
        full=st.booleans(),
    )
    found = {}
    for name in names:
        key, partitions = draw(st.sampled_from(_KEYS)), draw(st.booleans())
        seconds = (("code", "id"), ()) if partitions else (("code",), ("code", "k"), ())
        found[name] = Shape(
            name,
            key,
            partitions,
            unique=draw(st.booleans()),
            second=draw(st.sampled_from(seconds)),
            indexed=draw(st.booleans()),
            references=tuple(draw(st.lists(references, max_size=2))),
        )
    return found


@st.composite
def contents(
    draw: st.DrawFn, tables: dict[str, Shape], like: dict[str, list[Row]] | None = None
) -> dict[str, list[Row]]:
    """Rows for each table that all constraints allow; some are ``like`` others, or these with their codes handed on."""
    like = like or {}
    kind = draw(st.sampled_from(("handed on", "mixed", "other"))) if like else "other"
    referred = [one.to for shape in tables.values() for one in shape.references if one.second]
    chosen = draw(st.sampled_from(referred or [*tables]))
    held: dict[str, list[Row]] = {}
    for name, shape in tables.items():
        how = kind
        if kind == "mixed":
            how = draw(st.sampled_from(("same", "handed on", "other")))
        elif kind == "handed on" and name != chosen:
            how = "same"
        held[name] = draw(_rows(shape)) if how == "other" else [row[:4] for row in like[name]]
        if how == "handed on":
            held[name] = draw(_handed_on(held[name]))
    found: dict[str, list[Row]] = {}
    for name, shape in tables.items():
        before = {row[0]: row[4:] for row in like.get(name, ())}
        found[name] = []
        for row in held[name]:
            more: list[int | str | None] = []
            old = before.get(row[0], ())
            for one in shape.references:
                width = len(_referred(one, tables))
                possible, kept, old = _possible(one, tables, held), old[:width], old[width:]
                more += kept if kept in possible and draw(st.integers(0, 5)) < 5 else draw(st.sampled_from(possible))
            found[name].append((*row, *more))
    return found


@st.composite
def _rows(draw: st.DrawFn, shape: Shape) -> list[Row]:
    """Rows without what they refer to: id, k, v and code."""
    ids = draw(st.lists(st.integers(1, 9), min_size=draw(st.sampled_from((2, 0, 4))), max_size=7, unique=True))
    values = draw(st.lists(_VALUES, min_size=len(ids), max_size=len(ids)))
    if shape.unique:
        values = [value if value not in values[:place] else None for place, value in enumerate(values)]
    once = shape.second in (("code",), ("code", "k"))
    codes = draw(st.lists(st.integers(1, 9), min_size=len(ids), max_size=len(ids), unique=once))
    return [
        (number, draw(st.sampled_from("ab")), value, code)
        for number, value, code in zip(ids, values, codes, strict=True)
    ]


@st.composite
def _handed_on(draw: st.DrawFn, rows: list[Row]) -> list[Row]:
    """The same rows with the codes of others, and some of them under other ids."""
    some = draw(st.sampled_from((2, 0, 3)))  # of these each takes the next one's
    codes = [row[3] for row in (*rows[1:some], *rows[:1], *rows[some:])] if some else [row[3] for row in rows]
    moved = [(*row[:3], code) for row, code in zip(rows, codes, strict=True)]
    free = sorted(set(range(1, 10)) - {row[0] for row in rows})
    gone = draw(st.sets(st.sampled_from(range(len(rows))), min_size=some == 0, max_size=2)) if rows else set()
    return [(free.pop(), *row[1:]) if place in gone else row for place, row in enumerate(moved)]


def _possible(reference: Reference, tables: dict[str, Shape], held: dict[str, list[Row]]) -> list[Row]:
    """What a row may hold in the columns of a foreign key."""
    places = [("id", "k", "v", "code").index(column) for column in _referred(reference, tables)]
    nulls: list[Row] = [(None,) * len(places)]
    if len(places) > 1 and not reference.full:
        nulls.append((5, None))
    return nulls + [tuple(row[place] for place in places) for row in held[reference.to]]


@st.composite
def databases(draw: st.DrawFn) -> tuple[dict[str, Shape], dict[str, list[Row]], dict[str, list[Row]]]:
    """A schema, what the source holds, and what the target holds."""
    tables = draw(shapes())
    mine = draw(contents(tables))
    return tables, mine, draw(contents(tables, mine))


def _name(text: str) -> str:
    return sql.Identifier(text).as_string()


def _script(tables: dict[str, Shape], held: dict[str, list[Row]]) -> str:
    rows = "".join(
        sql.SQL("INSERT INTO app.{} VALUES ({});")
        .format(sql.Identifier(name), sql.SQL(", ").join(map(sql.Literal, row)))
        .as_string()
        for name, each in held.items()
        for row in each
    )
    made = "".join(shape.tables(tables) for shape in tables.values())
    return f"DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app; {made} {rows} " + "".join(
        shape.constraints(tables) for shape in tables.values()
    )


def _numbers(result: dict[str, Any]) -> dict[str, list[int]]:
    return {table["table"]: [table[name] for name in _NUMBERS] for table in result["tables"]}


def test_any_content_becomes_any_other(pairs, capsys: pytest.CaptureFixture[str]) -> None:
    pair: Pair = pairs()
    call = InProcess(capsys)
    args = ("sync", pair.source, pair.target, "--json", "--delete", "--max-delete", "100%")

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(databases())
    def becomes(drawn: tuple[dict[str, Shape], dict[str, list[Row]], dict[str, list[Row]]]) -> None:
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
