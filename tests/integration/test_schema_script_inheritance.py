"""The SQL that ``schema`` prints makes what partitions and children inherit once, and leaves it inherited."""

from __future__ import annotations

import pytest

from dbsync.local import EphemeralServer
from dbsync.pg.database import Database as Handle
from dbsync.schema.diff import compare_schemas
from dbsync.schema.objects import Snapshot
from dbsync.schema.snapshot import take_snapshot
from dbsync.urls import parse_url
from tests.fixtures.databases import fresh_database
from tests.integration.test_schema_script import assert_remade, look

_ROOT = "CREATE TABLE ev (id int, x int) PARTITION BY RANGE (id);"
_LEAF = "CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (0) TO (10);"
_TREE = (
    f"{_ROOT} CREATE TABLE a_mid PARTITION OF ev FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);"
    "CREATE TABLE z_leaf PARTITION OF a_mid FOR VALUES FROM (0) TO (5);"
)
_PARENT = "CREATE TABLE p (a int, b int);"
_CHILD = "CREATE TABLE c (z int) INHERITS (p);"

PARTITIONS = {
    "not validated": f"{_ROOT} {_LEAF} ALTER TABLE ev ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
    "below a partition": f"{_TREE} ALTER TABLE ev ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
    "validated in the partition alone": (
        f"{_ROOT} {_LEAF} ALTER TABLE ev ADD CONSTRAINT c CHECK (x > 0) NOT VALID;"
        "ALTER TABLE ev_1 VALIDATE CONSTRAINT c"
    ),
    "first in the partition": (
        f"{_ROOT} {_LEAF} ALTER TABLE ev_1 ADD CONSTRAINT c CHECK (x > 0) NOT VALID;"
        "ALTER TABLE ev ADD CONSTRAINT c CHECK (x > 0) NOT VALID"
    ),
    "of the partition only": (
        f"{_ROOT} {_LEAF} ALTER TABLE ev_1 ADD CONSTRAINT c CHECK (x > 0) NOT VALID;"
        "ALTER TABLE ev_1 ADD CONSTRAINT d CHECK (x > 1) NO INHERIT;"
        "ALTER TABLE ev_1 ADD CONSTRAINT e CHECK (x > 1) NO INHERIT NOT VALID"
    ),
}  # fmt: skip
CHILDREN = {
    "checks": (
        f"{_PARENT} {_CHILD} ALTER TABLE p ADD CONSTRAINT now CHECK (a > 0);"
        "ALTER TABLE p ADD CONSTRAINT later CHECK (b > 0) NOT VALID;"
        "ALTER TABLE p ADD CONSTRAINT own CHECK (b > 1) NO INHERIT;"
        "ALTER TABLE c ADD CONSTRAINT mine CHECK (z > 0) NOT VALID"
    ),
    "checks of both": (
        "CREATE TABLE p (a int, CONSTRAINT now CHECK (a > 0));"
        "CREATE TABLE c (CONSTRAINT now CHECK (a > 0)) INHERITS (p);"
        "ALTER TABLE c ADD CONSTRAINT later CHECK (a > 1) NOT VALID;"
        "ALTER TABLE p ADD CONSTRAINT later CHECK (a > 1) NOT VALID"
    ),
    "validated in the child alone": (
        f"{_PARENT} {_CHILD} ALTER TABLE p ADD CONSTRAINT later CHECK (a > 0) NOT VALID;"
        "ALTER TABLE c VALIDATE CONSTRAINT later"
    ),
    "grandchildren": (
        f"{_PARENT} {_CHILD} CREATE TABLE b_grand () INHERITS (c);"
        "ALTER TABLE p ADD CONSTRAINT later CHECK (a > 0) NOT VALID"
    ),
    "two parents": (
        f"{_PARENT} CREATE TABLE a_other (b int, q int); CREATE TABLE c () INHERITS (p, a_other);"
        "ALTER TABLE a_other ADD CONSTRAINT k CHECK (b > 0) NOT VALID;"
        "ALTER TABLE p ADD CONSTRAINT k CHECK (b > 0) NOT VALID"
    ),
    "columns of both": "CREATE TABLE p (a int, b int); CREATE TABLE c (b int, z int) INHERITS (p)",
    "columns in another order": "CREATE TABLE p (a int, b int); CREATE TABLE c (z int, b int, a int); ALTER TABLE c INHERIT p",
    "defaults": (
        "CREATE TABLE p (a int DEFAULT 1, b int DEFAULT 2, d int, e int GENERATED ALWAYS AS (1) STORED);"
        f"{_CHILD} ALTER TABLE c ALTER a SET DEFAULT 3; ALTER TABLE c ALTER b DROP DEFAULT;"
        "ALTER TABLE c ALTER d SET DEFAULT 4"
    ),
    "not null": (
        "CREATE TABLE p (a int NOT NULL, b int, d int NOT NULL); CREATE TABLE c (d int NOT NULL) INHERITS (p);"
        "ALTER TABLE c ALTER b SET NOT NULL; ALTER TABLE ONLY p ADD PRIMARY KEY (a); ALTER TABLE c ADD PRIMARY KEY (a)"
    ),
    "identity and rules": (
        "CREATE TABLE p (a int GENERATED ALWAYS AS IDENTITY, b serial); CREATE TABLE c () INHERITS (p);"
        "ALTER TABLE c ALTER b SET STATISTICS 7; COMMENT ON COLUMN c.a IS 'x'"
    ),
}  # fmt: skip
SINCE_17 = {
    "exclusions": f"{_TREE} ALTER TABLE ev ADD CONSTRAINT x EXCLUDE USING btree (id WITH =)",
    "exclusions by name": (
        f"{_TREE} ALTER TABLE z_leaf ADD CONSTRAINT mine EXCLUDE USING btree (id WITH =);"
        "ALTER TABLE ev ADD CONSTRAINT x EXCLUDE USING btree (id WITH =)"
    ),
}  # fmt: skip
SINCE_18 = {
    "not enforced": f"{_TREE} ALTER TABLE ev ADD CONSTRAINT c CHECK (x > 0) NOT ENFORCED",
    "not enforced above": (
        f"{_ROOT} {_LEAF} ALTER TABLE ev_1 ADD CONSTRAINT c CHECK (x > 0) NOT VALID;"
        "ALTER TABLE ev ADD CONSTRAINT c CHECK (x > 0) NOT ENFORCED"
    ),
    "not enforced in children": f"{_PARENT} {_CHILD} ALTER TABLE p ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED",
    "named not null in partitions": (
        f"{_TREE} ALTER TABLE ev ADD CONSTRAINT given NOT NULL x;"
        "ALTER TABLE ev ADD CONSTRAINT later NOT NULL id NOT VALID"
    ),
    "not null named by the partition": (
        f"{_TREE} ALTER TABLE z_leaf ADD CONSTRAINT mine NOT NULL x NOT VALID;"
        "ALTER TABLE ev ADD CONSTRAINT given NOT NULL x NOT VALID"
    ),
    "named not null in children": (
        "CREATE TABLE p (a int CONSTRAINT one NOT NULL, b int, d int, e int); CREATE TABLE c (z int) INHERITS (p);"
        "ALTER TABLE p ADD CONSTRAINT later NOT NULL b NOT VALID; ALTER TABLE c ADD CONSTRAINT mine NOT NULL d;"
        "ALTER TABLE p ADD CONSTRAINT theirs NOT NULL d; ALTER TABLE c ADD CONSTRAINT last NOT NULL e NO INHERIT"
    ),
    "not null validated in the child alone": (
        "CREATE TABLE p (a int); CREATE TABLE c () INHERITS (p);"
        "ALTER TABLE p ADD CONSTRAINT later NOT NULL a NOT VALID; ALTER TABLE c VALIDATE CONSTRAINT later"
    ),
}  # fmt: skip


def snapshot(url: str) -> Snapshot:
    session = Handle(parse_url(url), read_only=True).connect()
    try:
        return take_snapshot(session)
    finally:
        session.close()


def assert_equal_when_remade(sql: str, server: EphemeralServer) -> None:
    """The script loads, the database made by it has no difference, and its own script is the same."""
    with fresh_database(server) as database, fresh_database(server) as made:
        database.execute(sql)
        report = look(database.url)
        assert report.script is not None
        made.execute(report.script.text)
        found = compare_schemas(snapshot(database.url), snapshot(made.url))
        assert (found.created, found.dropped, found.changed) == ((), (), ()), report.script.text
        assert found.reordered == (), report.script.text
        assert_remade(report, server)


@pytest.mark.parametrize("sql", [pytest.param(sql, id=name) for name, sql in (PARTITIONS | CHILDREN).items()])
@pytest.mark.parametrize("name", ["pg_a", "pg17", "pg15"])
def test_what_is_inherited_stays_inherited(name: str, sql: str, request: pytest.FixtureRequest) -> None:
    assert_equal_when_remade(sql, request.getfixturevalue(name))


@pytest.mark.parametrize("sql", [pytest.param(sql, id=name) for name, sql in SINCE_17.items()])
def test_what_is_inherited_since_17(sql: str, pg17: EphemeralServer) -> None:
    assert_equal_when_remade(sql, pg17)


@pytest.mark.parametrize("sql", [pytest.param(sql, id=name) for name, sql in (SINCE_17 | SINCE_18).items()])
def test_what_is_inherited_since_18(sql: str, pg_a: EphemeralServer) -> None:
    if pg_a.major < 18:
        pytest.skip("NOT TESTED: needs Postgres 18")
    assert_equal_when_remade(sql, pg_a)
