"""The two servers of one worker, and the databases of its trials: copies of a few templates."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from dbsync.local import EphemeralServer
from tests.faults.campaign import job
from tests.fixtures import oracle
from tests.fixtures.pair import create_database, drop_database, rows, run_sql, with_user

SETTINGS = {
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_prepared_transactions": "4",
    "wal_level": "logical",
    "log_min_messages": "fatal",
    "deadlock_timeout": "200ms",
}
# Everything of a server that is not in one database and that no run may change.
_SERVER_STATE = """
SELECT 'role settings', s.setrole::regrole::text, s.setdatabase::text, s.setconfig::text
  FROM pg_db_role_setting s WHERE s.setdatabase = 0
UNION ALL SELECT 'role', r.rolname, '', concat_ws(' ', r.rolsuper, r.rolcanlogin, r.rolconnlimit) FROM pg_roles r
UNION ALL SELECT 'member', roleid::regrole::text, member::regrole::text, '' FROM pg_auth_members
UNION ALL SELECT 'slot', slot_name, '', '' FROM pg_replication_slots
UNION ALL SELECT 'prepared', gid, '', '' FROM pg_prepared_xacts
UNION ALL SELECT 'setting', name, sourcefile, setting FROM pg_file_settings WHERE sourcefile ~ 'auto.conf'
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """What all trials of a size and kind of target share; photographs are taken once."""

    source: str  # the superuser's URL
    template: str  # the database that targets are copies of
    new: oracle.Photograph
    old: oracle.Photograph
    made: oracle.Photograph | None = None  # the schema that a run with --create has to make, of the same role


class World:
    """Two servers with their templates; use it as a context manager."""

    def __init__(self, place: Path, *, major: int | None = None) -> None:
        self.place = place
        self.canaries = [f"canary-{secrets.token_hex(8)}" for _ in range(2)]
        self.source = EphemeralServer(major, SETTINGS)
        self.target = EphemeralServer(major, SETTINGS)
        self._stack = ExitStack()
        self._scenes = cache(self._scene)
        self._source_of = cache(self._make_source)

    def __enter__(self) -> World:
        for server in (self.source, self.target):
            self._stack.enter_context(server)
            for role, extra, canary in zip(("campaign", "guest"), ("SUPERUSER", ""), self.canaries, strict=True):
                run_sql(server.url(), f"CREATE ROLE {role} LOGIN {extra} PASSWORD '{canary}'")
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def server(self, side: str) -> EphemeralServer:
        """The source's or the target's server."""
        return self.source if side == "source" else self.target

    def scene(self, setting: job.Setting) -> Scene:
        """What the trial's source and target are."""
        mode = job.MODES[setting.mode]
        return self._scenes(setting.size, setting.guest, mode.empty, mode.creates)

    def urls(self, setting: job.Setting, source: str, target: str) -> tuple[str, str]:
        """Both ends as the roles of the trial, whose passwords are the canaries."""
        role, canary = ("guest", self.canaries[1]) if setting.guest else ("campaign", self.canaries[0])
        return with_user(source, "campaign", self.canaries[0]), with_user(target, role, canary)

    @contextmanager
    def target_database(self, scene: Scene, tablespace: str | None = None) -> Iterator[str]:
        """A copy of the scene's template, dropped after the block; gives the superuser's URL."""
        name = f"trial_{secrets.token_hex(4)}"
        place = sql.SQL(" TABLESPACE {}").format(sql.Identifier(tablespace)) if tablespace else sql.SQL("")
        with psycopg.connect(self.target.url(), autocommit=True) as connection:
            make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(scene.template)
            )
            connection.execute(make + place)
        url = self.target.url(name)
        try:
            yield url
        finally:
            drop_database(self.target, url)

    def server_state(self, side: str) -> list[list[object]]:
        """What a server holds outside its databases."""
        return rows(self.server(side).url(), _SERVER_STATE)

    def written(self) -> object:
        """A number that grows with every transaction that writes on the source's server."""
        return rows(self.source.url(), "SELECT pg_snapshot_xmax(pg_current_snapshot())::text")[0][0]

    def _scene(self, size: int, guest: bool, empty: bool, creates: bool) -> Scene:
        source, new = self._source_of(size)
        template = create_database(self.target)
        if creates:
            return Scene(source, urlsplit(template).path.lstrip("/"), new, oracle.take(template), self._make_model())
        run_sql(template, job.SCHEMA, "" if empty else job.target_script(size), job.FOR_GUESTS if guest else "")
        return Scene(source, urlsplit(template).path.lstrip("/"), new, oracle.take(template))

    def _make_model(self) -> oracle.Photograph:
        """The schema as the trial's role makes it from the script that made the source's."""
        model = create_database(self.target)
        lines = [line for line in job.SCHEMA.splitlines() if not line.startswith(job.RIGHTS)]
        run_sql(with_user(model, "campaign", self.canaries[0]), "\n".join(lines))
        return oracle.take(model)

    def _make_source(self, size: int) -> tuple[str, oracle.Photograph]:
        source = create_database(self.source)
        run_sql(source, job.SCHEMA, job.source_script(size))
        return source, oracle.take(source)
