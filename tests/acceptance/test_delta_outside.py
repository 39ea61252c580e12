"""Random foreign keys with random actions over three tables, of which a run is given some, or some rows.

Whatever it does, rows that it was not given are as before; and what it says, beforehand too, is so.
``DBSYNC_DELTA_SEEDS=17-18`` replays number 17, ``=200`` makes 200.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import Pair, rows, run_sql

_ACTIONS = ("CASCADE", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION")
_TABLES = ("p", "c", "d")
_GIVEN = (("p",), ("p",), ("c",), ("p", "d"), _TABLES)
_CHANGES = (
    "UPDATE z.p SET code = code + 20 WHERE id = {n}",
    "UPDATE z.p SET id = id + 30 WHERE id = {n}",
    "UPDATE z.c SET code = code + 20, v = 7 WHERE id = {n}",
    "UPDATE z.c SET region = 'b' WHERE id = {n}",
    "DELETE FROM z.p WHERE id = {n}",
    "DELETE FROM z.c WHERE id = {n}",
    "INSERT INTO z.d SELECT {n} + 10, id, NULL, 'a', 1 FROM z.c LIMIT 1",
)
_NUMBERS = ("rows_inserted", "rows_updated", "rows_deleted")
_PLAIN = "CREATE TABLE z.p (id int PRIMARY KEY, code int UNIQUE, region text, v int);"
_PARTED = (
    "CREATE TABLE z.p (id int PRIMARY KEY, code int, region text, v int, UNIQUE (id, code)) PARTITION BY RANGE (id);"
    "CREATE TABLE z.p1 PARTITION OF z.p FOR VALUES FROM (MINVALUE) TO (5); CREATE TABLE z.p2 PARTITION OF z.p DEFAULT;"
)


def _seeds() -> range:
    first, _, last = os.environ.get("DBSYNC_DELTA_SEEDS", "6").rpartition("-")
    return range(int(first or 0), int(last))


@pytest.mark.parametrize("seed", _seeds())
def test_no_action_of_a_foreign_key_reaches_what_a_run_was_not_given(
    seed: int, pairs, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(f"{seed}/{os.environ.get('DBSYNC_TEST_SEED', '1')}")
    pair: Pair = pairs(_schema(random))
    filled = _rows(random)
    for url in (pair.source, pair.target):
        run_sql(url, filled)
    for url in (pair.source, random.choice((pair.source, pair.target))):
        _change(url, random)
    given = random.choice(_GIVEN)
    conditions = {table: "region = 'a'" for table in given if random.random() < 0.4}
    deletes = random.random() < 0.75
    args = [word for table in given for word in ("--tables", f"z.{table}")]
    args += [word for table, where in conditions.items() for word in ("--where", f"z.{table}:{where}")]
    args += ["--delete", "--max-delete", "100%"] if deletes else []
    inside = {
        table: [row[0] for row in rows(pair.source, f"SELECT id FROM z.{table} WHERE {where}")]
        for table, where in conditions.items()
    }
    before = _left_alone(pair.target, given, conditions, inside)
    call = InProcess(capsys)
    planned = call("sync", pair.source, pair.target, "--json", "--dry-run", *args)
    done = call("sync", pair.source, pair.target, "--json", "--yes", *args)
    said = (seed, args, done)
    assert planned.exit_code == 0, (seed, planned)
    assert _left_alone(pair.target, given, conditions, inside) == before, said
    assert done.exit_code in (0, 4, 6), said
    foreseen = planned.document["result"]["would_refuse"]
    if foreseen:  # a unique value that is taken is for the run's own statements to meet
        assert done.exit_code == 4 or (done.exit_code == 6 and all("unique value" in said for said in foreseen)), said
    if done.exit_code == 0:
        assert _numbers(planned.document) == _numbers(done.document), said
        for table in given:
            mine, theirs = (_content(url, table, conditions.get(table, "true")) for url in (pair.source, pair.target))
            assert mine == theirs if deletes else set(mine) <= set(theirs), (table, *said)


def _schema(random: Random) -> str:
    parted = random.random() < 0.3
    first, second, third, fourth, fifth = (random.choice(_ACTIONS) for _ in range(5))
    to_p = "id" if parted else random.choice(("id", "code"))
    deferred = random.choice(("", "DEFERRABLE INITIALLY DEFERRED"))
    return (
        f"CREATE SCHEMA z; {_PARTED if parted else _PLAIN}"
        "CREATE TABLE z.c (id int PRIMARY KEY, code int UNIQUE, region text, v int,"
        f"  p int REFERENCES z.p ({to_p}) ON DELETE {first} ON UPDATE {second} {deferred});"
        f"CREATE TABLE z.d (id int PRIMARY KEY, c int REFERENCES z.c ({random.choice(('id', 'code'))}) ON DELETE {third}"
        f"  ON UPDATE {fourth}, up int REFERENCES z.d ON DELETE {fifth}, region text, v int);"
    )


def _rows(random: Random) -> str:
    """Rows of which every reference is whole, whichever column it refers to: a row's code is its id."""
    found = []
    numbers = random.sample(range(1, 11), 7)
    for table, columns in (("p", "id, code, region, v"), ("c", "id, code, region, v, p"), ("d", "id, region, v, c")):
        for number in numbers if table == "p" else numbers[:5]:
            values: list[Any] = [number, random.choice("ab"), random.randint(0, 1)]
            values[1:1] = [] if table == "d" else [number]
            values += [] if table == "p" else [random.choice(["NULL", *numbers[:5]])]
            listed = ", ".join(f"'{value}'" if value in ("a", "b") else str(value) for value in values)
            found.append(f"INSERT INTO z.{table} ({columns}) VALUES ({listed});")
    return "".join(found)


def _change(url: str, random: Random) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(random.randint(2, 6)):
            text = random.choice(_CHANGES).format(n=random.randint(1, 10))
            try:
                connection.execute(text.encode())
            except psycopg.errors.IntegrityError:
                continue  # the constraints of this schema forbid it


def _left_alone(
    url: str, given: Sequence[str], conditions: dict[str, str], inside: dict[str, list[Any]]
) -> dict[str, list[str]]:
    """What a run has no business with: tables that it was not given, and rows for which the condition is not true.

    But for rows whose key the source has ``inside`` the condition.
    """
    others = {table: "true" for table in _TABLES if table not in given}
    others |= {
        table: f"({where}) IS NOT TRUE AND id <> ALL (ARRAY{inside[table]}::int[])"
        for table, where in conditions.items()
    }
    return {table: _content(url, table, where) for table, where in others.items()}


def _content(url: str, table: str, where: str) -> list[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        query = sql.SQL("SELECT t::text FROM {} AS t WHERE ").format(sql.Identifier("z", table)) + sql.SQL(where)
        return sorted(row[0] for row in connection.execute(query).fetchall())


def _numbers(document: dict[str, Any]) -> dict[str, list[int]]:
    return {table["table"]: [table[name] for name in _NUMBERS] for table in document["result"]["tables"]}
