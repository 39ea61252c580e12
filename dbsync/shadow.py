"""A shadow: an empty copy of a database's schema on which a plan is tried before it touches anything.

It is filled without the planner's help, from pg_dump's text, and told from the original by a snapshot. Nothing is made
on a user's server unless it was asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from dbsync.control import Control
from dbsync.dumping import DumpProgram, dump_schema, find_pg_dump
from dbsync.errors import ConfigError, DbsyncError, StatementFailed
from dbsync.local import EphemeralServer, available_majors
from dbsync.pg.database import Database, Session
from dbsync.pg.quoting import name
from dbsync.pg.script import act_as, drop_database, new_database, read_script, run_script
from dbsync.shadow_text import Column, shared_names, with_not_nulls, with_versions
from dbsync.urls import DatabaseUrl, parse_url

PREFIX = "dbsync_shadow_"
# What a dump may count on, as if psql ran it.
_AS_PSQL = {"search_path": '"$user", public', "row_security": "on"}
_COPY = "the copy of the schema"
# Versions that CREATE EXTENSION would not take by itself.
_OFFERED = """
SELECT v.name::pg_catalog.text, v.version
  FROM pg_catalog.pg_available_extension_versions v JOIN pg_catalog.pg_available_extensions e USING (name)
 WHERE v.version <> e.default_version
"""
_NO_PROGRAMS = "no server programs are installed for a shadow: pip install 'dbsync[local]', or give --shadow"
_ELSEWHERE = "--shadow target, or --shadow DB, makes it on a server that has what is missing"
_THERE = "the role needs CREATEDB there, the rights of the schema's owners, and its extensions"


class NoShadow(Exception):
    """Why no shadow could be made, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What a shadow is to be like: a dump's text, and what a dump does not say.

    ``extensions``: their versions, which are taken where the shadow's server has them. ``not_nulls``: the names of
    these constraints by column.
    """

    text: str
    encoding: str
    extensions: Mapping[str, str]
    not_nulls: Mapping[Column, str]


@dataclass(frozen=True, slots=True)
class Filled:
    """A shadow with a schema in it. ``role`` is whom the plan runs as, None for the session's own role."""

    database: Database
    role: str | None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that runs a plan's statements as `migrate apply` would."""
        with closing(self.database.connect(application_name="dbsync shadow", settings=PLAN_SETTINGS)) as session:
            if self.role is not None:
                act_as(session, self.role)
            yield session

    def populate(self, views: Iterable[tuple[str, str]]) -> None:
        """Fill materialised views, which a dump leaves empty: those that can be, on tables without rows."""
        left, before = list(views), 0
        with self.session() as session:
            while left and len(left) != before:
                before = len(left)
                left = [view for view in left if not _refreshed(session, name(*view))]


def _refreshed(session: Session, view: str) -> bool:
    try:
        session.execute_text(f"REFRESH MATERIALIZED VIEW {view}")
    except StatementFailed:
        return False  # it reads another one that is not filled yet, or its owner may not
    return True


# Bodies of functions are not looked into while objects that they name are still to come.
PLAN_SETTINGS = {"check_function_bodies": "off"}


class Shadows:
    """A server on which shadows may be made and dropped; ``major`` is its version."""

    def __init__(self, admin: Database, major: int, role: str | None, control: Control) -> None:
        self._admin, self.major, self._role, self._control = admin, major, role, control

    @contextmanager
    def filled(self, original: Original) -> Iterator[Filled]:
        """Make a database like another one, and drop it after the block.

        Raises NoShadow where the server cannot have such a copy: an extension or a right is missing there.
        """
        database = PREFIX + secrets.token_hex(6)
        with closing(self._admin.connect(application_name="dbsync shadow")) as admin:
            with self._control.on_stop(admin.cancel), self._refusals():
                new_database(admin, database, encoding=original.encoding)
            try:
                url = replace(self._admin.url, name=database, dbname=database)
                with self._refusals():
                    self._fill(url, original)
                yield Filled(Database(url), self._role)
            finally:
                drop_database(admin, database)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (ConfigError, StatementFailed) as error:
            if self._control.reason is not None:
                raise
            advice = _THERE if self._role is None else _ELSEWHERE
            raise NoShadow(f"no copy of the schema could be made: {error.message}; {advice}") from error

    def _fill(self, url: DatabaseUrl, original: Original) -> None:
        session = Database(url).connect(application_name="dbsync shadow", settings=_AS_PSQL)
        with closing(session), self._control.on_stop(session.cancel):
            script = read_script(_COPY, original.text)
            offered = set(session.execute(_OFFERED)) if original.extensions else set()
            if other := dict(original.extensions.items() & offered):
                script = read_script(_COPY, with_versions(script, other))
            if shared := shared_names(original.not_nulls):
                script = read_script(_COPY, with_not_nulls(script, shared))
            run_script(session, script, run_as=self._role)


@contextmanager
def shadows(target: Session, *, where: str | DatabaseUrl | None, control: Control) -> Iterator[Shadows]:
    """Open a place for shadows: an embedded server (None), the target's own ("target"), or a server by URL.

    Raises NoShadow where there is none.
    """
    if where == "target":
        major = target.server_version_num // 10000
        yield Shadows(Database(target.url), major, None, control)
    elif isinstance(where, DatabaseUrl):
        with closing(Database(where).connect(application_name="dbsync shadow")) as session:
            major = session.server_version_num // 10000
        yield Shadows(Database(where), major, None, control)
    else:
        majors = available_majors()
        if not majors:
            raise NoShadow(_NO_PROGRAMS)
        wanted = target.server_version_num // 10000
        nearest = min(majors, key=lambda major: (major < wanted, abs(major - wanted)))
        ((role,),) = target.execute("SELECT CURRENT_USER::pg_catalog.text")
        with EphemeralServer(nearest, {"wal_level": "logical"}) as server:
            yield Shadows(Database(parse_url(server.url())), nearest, role, control)


def dump_of(session: Session, control: Control) -> tuple[str, DumpProgram]:
    """The schema of a session's database as pg_dump prints it. Raises NoShadow where no pg_dump fits."""
    major = session.server_version_num // 10000
    program = find_pg_dump(major)
    if program is None:
        raise NoShadow(f"no pg_dump for servers of version {major} is installed, to fill a shadow with")
    try:
        return dump_schema(session.url, program, check=control.check), program
    except DbsyncError as error:
        raise NoShadow(error.message) from error
