"""Random changes to random schemas, on either side, and what ``sync --mode delta`` makes of them.

Each schema has a seed: ``DBSYNC_DELTA_SEEDS=17-18`` replays number 17, ``=20`` makes 200 change sets; either
asks for the dry run and the second run after each of the ten change sets, not only after some.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle, schemagen
from tests.fixtures.command import Command
from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import Pair

_ROUNDS = 10  # change sets for one schema
_THOROUGH = "DBSYNC_DELTA_SEEDS" in os.environ
_NUMBERS = ("rows_inserted", "rows_updated", "rows_deleted")
_ALL = ("--delete", "--max-delete", "100%")
_SECOND = ("u", "u2")  # what schemagen makes unique beside the primary key
_REFUSED = (psycopg.errors.IntegrityError, psycopg.errors.DataError)

Change = sql.Composed
_Columns = list[tuple[str, str, bool, str]]


def _seeds() -> range:
    text = os.environ.get("DBSYNC_DELTA_SEEDS", "8")
    first, _, last = text.rpartition("-")
    return range(int(first or 0), int(last))


@pytest.mark.parametrize("seed", _seeds())
def test_random_changes_are_found_and_repaired(
    seed: int, pairs, called: CalledSync, capsys: pytest.CaptureFixture[str], dbsync: Command
) -> None:
    """Ten change sets: as many rows are written as a dry run says, both sides are equal, and then there is nothing to do."""
    schema, call = schemagen.make(seed + 5000), InProcess(capsys)
    more = _more(seed) + schema.after
    pair: Pair = pairs("", schema.before + schema.rows + more, schema.before + more)
    called.sync(pair.source, pair.target, "-j", "1").ended(0)
    for number in range(_ROUNDS):
        random = Random(f"{seed}/{number}")
        for url in random.choice(([pair.source], [pair.target], [pair.source, pair.target])):
            change(url, random)
        args = (*_ALL, "-j", str(1 + number % 3))
        planned = None
        if _THOROUGH or number % 3 == 1:
            planned = call("sync", pair.source, pair.target, "--json", "--dry-run", *args)
            assert planned.exit_code == 0, (seed, number, planned)
        runner = dbsync if number == seed % 50 else called
        done = runner.sync(pair.source, pair.target, *args)
        assert done.exit_code == 0, (seed, number, done)
        assert oracle.differences(pair.source, pair.target) == [], (seed, number, done)
        if planned is not None:
            assert _numbers(planned.document["result"]) == _numbers(done.result), (seed, number)
        if _THOROUGH or number % 3 == 2:
            again = called.sync(pair.source, pair.target, *args).ended(0)
            assert not any(again.result["totals"][name] for name in _NUMBERS), (seed, number, again)
    assert oracle.leftovers(pair.target) == []


def _numbers(result: dict[str, Any]) -> dict[str, list[int]]:
    return {table["table"]: [table[name] for name in _NUMBERS] for table in result["tables"]}


def _more(seed: int) -> str:
    """A unique column, some of it NULL, for a few of the plain tables; the rows get theirs by number."""
    return f"""
        DO $do$ DECLARE t record; BEGIN
          FOR t IN SELECT c.oid, c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                    WHERE relkind = 'r' AND NOT relispartition AND nspname !~ '^(pg_|information_schema)'
                      AND hashtext(c.relname || '{seed}') % 2 = 0 ORDER BY c.relname COLLATE "C" LOOP
            EXECUTE 'ALTER TABLE ' || t.name || ' ADD COLUMN only_one bigint';
            EXECUTE 'UPDATE ' || t.name || ' x SET only_one = n FROM (SELECT ctid AS at, row_number() OVER () AS n FROM '
              || t.name || ') s WHERE x.ctid = s.at AND n % 5 > 0';
            EXECUTE 'ALTER TABLE ' || t.name || ' ADD UNIQUE (only_one)';
          END LOOP;
        END $do$;
    """


def change(url: str, random: Random) -> None:
    """Make some random changes; one that a constraint forbids is left out."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(_TABLES).fetchall()
        for _ in range(random.randint(1, 8)):
            schema, name, columns = random.choice(tables)
            for statement in _change(sql.Identifier(schema, name), columns, random):
                with _allowed(connection):
                    connection.execute(statement)
        for schema, name in connection.execute("SELECT schemaname, matviewname FROM pg_matviews").fetchall():
            connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(schema, name)))


@contextmanager
def _allowed(connection: psycopg.Connection[Any]) -> Iterator[None]:
    try:
        with connection.transaction():
            yield
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            connection.execute("SET CONSTRAINTS ALL DEFERRED")
    except _REFUSED:
        return


def _change(table: sql.Identifier, columns: _Columns, random: Random) -> list[Change]:
    salt = sql.Literal(str(random.random()))
    some = sql.SQL("pg_catalog.hashtext(x::pg_catalog.text || {}) % {} = 0").format(
        salt, sql.Literal(random.choice((1, 3, 20, 100)))
    )
    settable = [(name, kind) for name, kind, key, _ in columns if not key]
    keys = [(name, kind) for name, kind, key, _ in columns if key or name in _SECOND]
    kind = random.choice(("delete", "update", "update", "insert", "move", "swap"))
    match kind:
        case "delete":
            return [sql.SQL("DELETE FROM {} x WHERE {}").format(table, some)]
        case "update" if settable:
            column, of = random.choice(settable)
            return [_update(table, column, _value(of, column, random), some)]
        case "insert":
            return [_insert(table, columns, random)]
        case "move" if keys:
            column, of = random.choice(keys)
            if any(mode == "a" for name, _, _, mode in columns if name == column):
                return []  # GENERATED ALWAYS AS IDENTITY takes no value
            moved = _other_key(column, of, random.randint(1, 500))
            return [_update(table, column, moved, some)]
        case "swap" if ("u", "integer") in settable and random.random() < 0.5:
            return [
                _update(table, "u", sql.SQL("-u - 1000000"), sql.SQL("u >= 0")) + sql.SQL("; ")
                + _update(table, "u", sql.SQL("(-u - 1000000) # 1"), sql.SQL("u <= -1000000"))
            ]  # fmt: skip
        case "swap" if any(name == "only_one" for name, _ in settable):
            away = sql.SQL("-only_one - 1000000")
            back = sql.SQL("(-only_one - 1000000) # {}").format(sql.Literal(random.choice((1, 3, 7))))
            whole = sql.SQL("only_one >= 0")
            return [
                _update(table, "only_one", away, whole) + sql.SQL("; ")
                + _update(table, "only_one", back, sql.SQL("only_one <= -1000000"))
            ]  # fmt: skip
    return []


def _update(table: sql.Identifier, column: str, value: sql.Composable, where: sql.Composable) -> Change:
    return sql.SQL("UPDATE {} x SET {} = {} WHERE {}").format(table, sql.Identifier(column), value, where)


def _other_key(column: str, kind: str, by: int) -> sql.Composable:
    name = sql.Identifier(column)
    if kind == "uuid":
        return sql.SQL("pg_catalog.md5({}::text || {})::uuid").format(name, sql.Literal(str(by)))
    if kind == "text":
        return sql.SQL("{} || {}").format(name, sql.Literal(f"-{by}"))
    return sql.SQL("{} + {}").format(name, sql.Literal(by))


def _value(kind: str, column: str, random: Random) -> sql.Composable:
    """Another value of a type, often one that is only spelled otherwise."""
    name = sql.Identifier(column)
    if random.random() < 0.15:
        return sql.SQL("NULL")
    same = {
        "numeric": "{0} + 0.00000000000000000000",
        "double precision": "CASE WHEN {0} = 0 THEN {0} * -1 ELSE -{0} END",
        "text": "{0} || ''",
        "json": "({0}::text || ' ')::json",
    }
    if kind in same and random.random() < 0.4:
        return sql.SQL(same[kind]).format(name)
    made = dict(schemagen.EXPRESSIONS).get(kind)
    if made is None:
        return sql.SQL("{}").format(name)
    text = made.replace("{salt}", str(random.randint(0, 9))).replace("{{", "{").replace("}}", "}")
    return sql.Composed([
        sql.SQL("(SELECT "), sql.SQL(text), sql.SQL(" FROM (SELECT abs(hashtext(x::text)) % 1000 AS i) n)")
    ])  # fmt: skip


def _insert(table: sql.Identifier, columns: _Columns, random: Random) -> Change:
    """Copies of some rows under other keys."""
    by = random.randint(1, 5000)
    values = [
        _other_key(name, kind, by)
        if key or name in _SECOND
        else sql.SQL("NULL")
        if name == "only_one"
        else sql.Identifier(name)
        for name, kind, key, _ in columns
    ]
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} x LIMIT {}").format(
        table,
        sql.SQL(", ").join(sql.Identifier(name) for name, *_ in columns),
        sql.SQL(", ").join(values),
        table,
        sql.Literal(random.choice((1, 5, 50))),
    )


# Roots and plain tables, with their columns: name, type, whether the primary key holds it, identity.
_TABLES = b"""
SELECT n.nspname::text, c.relname::text,
       pg_catalog.array_agg(pg_catalog.jsonb_build_array(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
           COALESCE(a.attnum = ANY (k.conkey), a.attname = 'k'), a.attidentity) ORDER BY a.attname COLLATE "C")
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema$|dbsync$)'
 GROUP BY 1, 2 ORDER BY 1, 2
"""
