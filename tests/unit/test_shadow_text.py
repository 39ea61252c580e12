"""A dump's text gets what it is silent on: names of NOT NULL that two tables have, and nothing else."""

from __future__ import annotations

from dbsync.pg.script import read_script
from dbsync.shadow_text import shared_names, with_not_nulls, with_versions

TABLE = """
CREATE UNLOGGED TABLE public."My t" (
    id integer NOT NULL,
    "a,b" numeric(10,2) DEFAULT 'NOT NULL, '::text NOT NULL NO INHERIT,
    named text CONSTRAINT other NOT NULL,
    flag boolean DEFAULT (1 IS NOT NULL),
    CONSTRAINT x CHECK ((id IS NOT NULL))
);
CREATE TABLE s."My t" (id integer NOT NULL);
"""


def test_only_names_that_another_table_of_the_schema_has_are_said():
    names = {("s", "a", "x"): "one", ("s", "b", "x"): "one", ("s", "c", "x"): "two", ("t", "c", "x"): "two"}
    assert shared_names(names) == {("s", "a", "x"): "one", ("s", "b", "x"): "one"}


def test_a_column_gets_its_name_where_the_dump_is_silent():
    columns = ("id", "a,b", "named", "flag")
    found = with_not_nulls(read_script("d", TABLE), {("public", "My t", column): f"n {column}" for column in columns})
    wanted = TABLE.replace("id integer NOT NULL,", 'id integer CONSTRAINT "n id" NOT NULL,')
    assert found == wanted.replace("::text NOT NULL", '::text CONSTRAINT "n a,b" NOT NULL')


def test_extensions_get_their_versions():
    text = "CREATE EXTENSION IF NOT EXISTS a WITH SCHEMA s;\nCREATE EXTENSION IF NOT EXISTS b;"
    assert with_versions(read_script("d", text), {"a": "1.0"}) == text.replace("SCHEMA s", "SCHEMA s VERSION '1.0'")
