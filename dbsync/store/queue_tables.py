"""Procrastinate's tables, beside the store's in its schema: made with it, or by the first host with Procrastinate."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from importlib.util import find_spec

import sqlalchemy as sa

from dbsync.errors import Refused
from dbsync.store.tables import SCHEMA

_LOCK = (1684173689, 4)  # "dbsy", 4: one process at a time makes or upgrades the queue's tables
_TABLE = "procrastinate_jobs"
_SIGNED = "dbsync: the queue's, up to "


def is_installed() -> bool:
    """Whether this host has Procrastinate; one that has it makes the tables."""
    return find_spec("procrastinate") is not None


def make_tables(connection: sa.Connection, store_name: str) -> None:
    """Bring the tables to the installed Procrastinate, in this transaction. Raises Refused for newer ones."""
    steps = sorted(
        each.name for each in (files("procrastinate.sql") / "migrations").iterdir() if each.name.endswith(".sql")
    )
    connection.execute(sa.select(sa.func.pg_catalog.pg_advisory_xact_lock(*_LOCK)))
    last = _last_step(connection)
    if last == steps[-1]:
        return
    if last is not None and last > steps[-1]:
        raise Refused(
            f"the queue in the store {store_name} belongs to a newer Procrastinate",
            code="STORE_NEWER",
            hint="upgrade the package procrastinate on this host",
        )
    set_config = sa.func.pg_catalog.set_config
    connection.execute(sa.select(set_config("search_path", SCHEMA, sa.true())))
    _run(connection, ["schema.sql"] if last is None else [f"migrations/{step}" for step in steps if step > last])
    signed = sa.Table(_TABLE, sa.MetaData(schema=SCHEMA), comment=_SIGNED + steps[-1])
    connection.execute(sa.schema.SetTableComment(signed))
    connection.execute(sa.select(set_config("search_path", "", sa.true())))


def _last_step(connection: sa.Connection) -> str | None:
    """The last migration that the tables have had; None where there are none."""
    table = sa.func.pg_catalog.to_regclass(f"{SCHEMA}.{_TABLE}")
    found = connection.scalar(sa.select(sa.func.pg_catalog.obj_description(table, "pg_class")))
    return None if found is None else str(found).removeprefix(_SIGNED)


def _run(connection: sa.Connection, names: Iterable[str]) -> None:
    """Run the library's own scripts as they are: several statements each, per cent signs and all."""
    raw = connection.connection.dbapi_connection
    assert raw is not None
    for name in names:
        raw.cursor().execute((files("procrastinate.sql") / name).read_bytes())
