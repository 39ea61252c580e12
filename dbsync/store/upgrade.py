"""Bring a store to this version, in one transaction: another process, or a kill, finds the old one or the new one."""

from __future__ import annotations

from importlib.resources import as_file, files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from dbsync.store import queue_tables, tables
from dbsync.store.engine import UPGRADE_LOCK, of_another_version
from dbsync.store.place import StorePlace


def upgrade(place: StorePlace, engine: sa.Engine) -> None:
    """Run the revisions that are missing. Raises Refused for a store that this dbsync does not know.

    Writers of any version have ended their transactions by then, and begin no other: they wait, and look again.
    """
    with as_file(files("dbsync.store") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        with engine.execution_options(dbsync_writes=True).begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_catalog.pg_advisory_xact_lock(*UPGRADE_LOCK)))
                connection.execute(sa.schema.CreateSchema(tables.SCHEMA, if_not_exists=True))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise of_another_version(place) from error
            if engine.dialect.name == "postgresql" and queue_tables.is_installed():
                queue_tables.make_tables(connection, place.name)


def newest() -> str | None:
    """The last revision there is."""
    with as_file(files("dbsync.store") / "migrations") as scripts:
        return ScriptDirectory(str(scripts)).get_current_head()
