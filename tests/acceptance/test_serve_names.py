"""Five hundred names that are statements, paths or pages: the database is asked nothing else for them than for plain names.

Judged by the database's own log of statements, which is read by the rules of SQL's quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg import sql

from dbsync.local import EphemeralServer
from tests.fixtures.serving import serving
from tests.fixtures.statementlog import SETTINGS, Asked, bare, statements

PARTS = [
    "x'; DROP TABLE item; --", 'x"; DROP TABLE item; --', "item; DELETE FROM item", "item--", "item/*", "$$", "\\", "''",
    '""', "%s", "%(name)s", "{}", "{0}", "${x}", "$1", ":id", "?", "\u202eitem", "\ufeffitem", "ITEM", "item\u0000x", "item\n",
    "../../etc/passwd", "<script>alert(1)</script>", "item UNION SELECT 1",
]  # fmt: skip
SUFFIXES = ("", "'", '"', ";", " ", *map(str, range(15)))
NAMES = [f"{part}{suffix}" for suffix in SUFFIXES for part in PARTS]
REAL = list(dict.fromkeys(name for name in NAMES if "\0" not in name))[:40]

# Asked in place of a count where that takes too long.
FORESEEN = 'EXPLAIN (FORMAT JSON) SELECT 0 FROM "name"."name"'
# What a session had prepared and lets go when it has prepared many: by a number of its own.
LET_GO = re.compile(r"DEALLOCATE dbsync_\d+")


@dataclass(frozen=True, slots=True)
class Watched:
    """A server that writes down what it is asked, and a database with a plain table and hostile ones."""

    server: EphemeralServer

    @property
    def url(self) -> str:
        return self.server.url("watched")

    def asked(self) -> list[Asked]:
        return statements(self.server.data_dir.parent / "log", "dbsync serve")

    def tables(self) -> list[tuple[str, int]]:
        """Every table and how many rows it has."""
        with psycopg.connect(self.url) as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            count = sql.SQL("SELECT count(*) FROM public.{}")
            return [
                (name, connection.execute(count.format(sql.Identifier(name))).fetchall()[0][0])
                for (name,) in names.fetchall()
            ]


@pytest.fixture(scope="module")
def watched(run_directory: Path) -> Iterator[Watched]:
    with EphemeralServer(settings=SETTINGS) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE watched")
        with psycopg.connect(server.url("watched")) as connection:
            connection.execute("CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item VALUES (1, 'one')")
            make = sql.SQL("CREATE TABLE public.{} (id int PRIMARY KEY, {} text)")
            fill = sql.SQL("INSERT INTO public.{} VALUES (1, 'one')")
            for name in map(sql.Identifier, REAL):
                connection.execute(make.format(name, name))
                connection.execute(fill.format(name))
        yield Watched(server)


def ways(connection: str) -> tuple[str, ...]:
    """Where a name can stand in a request that a database is asked for."""
    base = f"/api/explorer/{connection}"
    return (
        f"{base}/@/rows?limit=1", f"{base}/item/rows?limit=1&sortBy=@", f"{base}/item/rows?limit=1&search=@",
        f"{base}/item/row?id=@", f"{base}/@/row?id=1", "/api/connections/@", "/api/connections/@/schema",
        "/api/sync/@", "/api/sync/@/metrics", "/api/sync?status=@", "/api/explorer/@/tables", "/api/admin/users?search=@",
    )  # fmt: skip


def saved(client: httpx.Client, url: str) -> str:
    return str(client.post("/api/connections", json={"name": "watched", "url": url}).json()["data"]["id"])


def ask(client: httpx.Client, way: str, name: str) -> None:
    reply = client.get(way.replace("@", quote(name, safe="")))
    assert reply.status_code in (200, 400, 403, 404), (way, name, reply.status_code, reply.text)
    assert reply.headers["content-type"] == "application/json"


def test_the_reader_of_the_log_sees_what_is_not_quoted() -> None:
    assert bare("SELECT \"a\"\"; DROP\" FROM 'it''s', E'\\'; x' -- gone\n WHERE n=5") == (
        "SELECT \"name\" FROM 'value', 'value' <comment> WHERE n=0"
    )
    assert "DROP TABLE item" in bare("SELECT 'x'; DROP TABLE item; --'")
    assert "DELETE" in bare('SELECT "a"; DELETE FROM "b"')


@pytest.mark.timeout(180)
def test_five_hundred_hostile_names_are_names(tmp_path: Path, watched: Watched) -> None:
    assert len(NAMES) == 500
    tables = watched.tables()
    assert len(tables) == len(REAL) + 1
    with serving(tmp_path) as served, served.client() as client:
        connection = saved(client, watched.url)
        every = ways(connection)
        for way in every:
            for name in ("item", "id", "plain", "1", "2"):
                ask(client, way, name)
        visit(client, connection, "item", "name")
        assert client.get(f"/api/explorer/{connection}/tables").status_code == 200
        plain = watched.asked()
        for number, name in enumerate(NAMES):
            ask(client, every[number % len(every)], name)
        listed = client.get(f"/api/explorer/{connection}/tables").json()["data"]["tables"]
        assert len(listed) == len(tables)
        for table in listed:
            visit(client, connection, table["name"], table["columns"][1]["name"])
        hostile = watched.asked()[len(plain) :]
    assert watched.tables() == tables
    assert len(plain) > 50
    assert len(hostile) > 500
    # Hostile names do reach the database, quoted ...
    assert any('DROP TABLE item; --"' in one.text for one in hostile)
    # ... and nothing is left of them outside of quotes: every statement is one of those asked for plain names.
    unknown = {one.bare for one in hostile} - {one.bare for one in plain} - {FORESEEN}
    assert {text for text in unknown if not LET_GO.fullmatch(text)} == set()


def visit(client: httpx.Client, connection: str, table: str, column: str) -> None:
    """Look at a table in every way: a page, sorted and searched by a column, one row, and a check against itself."""
    base = f"/api/explorer/{connection}/{quote(table, safe='')}"
    for query in ("rows?limit=1", f"rows?limit=1&sortBy={quote(column, safe='')}", "rows?limit=1&search=n", "row?id=1"):
        reply = client.get(f"{base}/{query}")
        assert reply.status_code == 200, (table, query, reply.text)
        rows = reply.json()["data"]
        row = rows["rows"][0] if "rows" in rows else rows
        assert row == {"id": 1, column: "one"}
