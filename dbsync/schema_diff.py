"""The service behind ``diff --what schema``: two schemas read at a time, compared, nothing written.

Either side may be a script, which is loaded into an embedded server that ends with the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbsync.control import Control
from dbsync.errors import ConfigError
from dbsync.local import EphemeralServer, available_majors
from dbsync.model import TableName
from dbsync.pg.database import Database, End, Session
from dbsync.pg.script import Script, new_database, read_script, run_script
from dbsync.schema.choice import Choice, Chosen, choose
from dbsync.schema.diff import SchemaDiff, compare_schemas
from dbsync.schema.objects import RELATIONS, Ref, SchemaObject, Snapshot
from dbsync.schema.snapshot import take_snapshot
from dbsync.schema.uncompared import Uncompared, find_uncompared
from dbsync.urls import parse_url

SCRIPT_SUFFIX = ".sql"
# What a script may count on, as if psql ran it.
_AS_PSQL = {"search_path": '"$user", public', "row_security": "on"}
_SUPERUSER = "postgres"

Side = Database | Script
Opened = Callable[[Mapping[str, Any], Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaComparison:
    """Both schemas as far as they were chosen, what differs, and what was not compared or not wanted."""

    source: Snapshot
    target: Snapshot
    diff: SchemaDiff
    not_compared: tuple[Uncompared, ...]
    left_out: Mapping[str, int]
    source_tables: frozenset[TableName]  # all that the source has, chosen or not
    known_to_rows: frozenset[TableName]  # what --exclude may name where rows are compared, chosen or not


def compare_sides(
    source: Side,
    target: Side,
    choice: Choice,
    *,
    control: Control | None = None,
    warn: Callable[[str], None] = lambda warning: None,
    opened: Opened = lambda source, target: None,
) -> SchemaComparison:
    """Compare; ``opened`` is told both ends as the envelope names them.

    Raises ConfigError for a pattern that matches nothing and for a script that does not run.
    """
    control = control or Control()
    with open_sides(source, target, control=control, warn=warn) as (left, right):
        opened(describe_side(source, left), describe_side(target, right))
        snapshots = take_both(left, right)
    control.check()
    return compare_snapshots(*snapshots, choice)


def compare_snapshots(source: Snapshot, target: Snapshot, choice: Choice) -> SchemaComparison:
    """Compare what was read."""
    chosen: Chosen = choose(source, target, choice)
    diff = compare_schemas(chosen.source, chosen.target, ignore=choice.ignored_parts)
    return SchemaComparison(
        source=chosen.source,
        target=chosen.target,
        diff=diff,
        not_compared=find_uncompared(chosen.source, chosen.target, diff, ignore=choice.ignore),
        left_out=chosen.left_out,
        source_tables=frozenset(
            TableName(ref.schema, ref.name) for ref, made in source.objects.items() if holds_rows(made)
        ),
        known_to_rows=frozenset(
            TableName(ref.schema, ref.name)
            for ref in source.objects.keys() | target.objects.keys()
            if ref.kind in RELATIONS
            and (ref in source.objects or Ref("partition", ref.schema, ref.name) not in target.objects)
        ),
    )


def holds_rows(made: SchemaObject) -> bool:
    """Whether it is a table with rows of its own or of its partitions."""
    return made.ref.kind == "table" and made.parts["variant"] != "foreign"


def take_both(source: Session, target: Session) -> tuple[Snapshot, Snapshot]:
    """Read both schemas at a time."""
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(take_snapshot, target)
        mine = take_snapshot(source)
        return mine, reading.result()


@contextmanager
def open_sides(
    source: Side, target: Side, *, control: Control, warn: Callable[[str], None] = lambda warning: None
) -> Iterator[tuple[Session, Session]]:
    """Open a read-only session on each side, scripts loaded; a stop cancels what they run."""
    with ExitStack() as stack:
        sessions: dict[int, Session] = {}
        ends: tuple[tuple[End, Side], ...] = (("source", source), ("target", target))
        databases = [(number, side.at(end)) for number, (end, side) in enumerate(ends) if isinstance(side, Database)]
        with ThreadPoolExecutor(2) as beside:
            dialled = [beside.submit(_dial, side, control) for _, side in databases]
        for (number, _), dialling in zip(databases, dialled, strict=True):
            sessions[number] = stack.enter_context(closing(dialling.result()))
        for session in sessions.values():
            stack.enter_context(control.on_stop(session.cancel))
            for warning in session.warnings:
                warn(warning)
        scripts = {number: side for number, side in enumerate((source, target)) if isinstance(side, Script)}
        if scripts:
            sessions |= stack.enter_context(_loaded(scripts, next(iter(sessions.values()), None), control))
        yield sessions[0], sessions[1]


def script_of(path: Path) -> Script:
    """Read a script's file; raise ConfigError for one that cannot be read or cut into statements."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8", hint=f"iconv -t UTF-8 {path}", code="BAD_SCRIPT") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{path}: {reason}", hint="name a file with SQL, or a database", code="BAD_SCRIPT") from error
    return read_script(str(path), text)


def _dial(database: Database, control: Control) -> Session:
    return database.connect(application_name="dbsync diff", check=control.check)


@contextmanager
def _loaded(scripts: Mapping[int, Script], other: Session | None, control: Control) -> Iterator[dict[int, Session]]:
    """Load scripts into one embedded server of the version nearest to the other side's.

    They run as a superuser named like the role of the other side, so that owners nobody names are alike.
    """
    role = _SUPERUSER
    if other is not None:
        ((role,),) = other.execute("SELECT current_user::pg_catalog.text")
    with ExitStack() as stack:
        server = stack.enter_context(_throw_away(scripts, other))
        found = {}
        for number, script in scripts.items():
            name = f"script_{number}"
            with closing(Database(parse_url(server.url())).connect()) as session:
                new_database(session, name)
            url = parse_url(server.url(name))
            with closing(Database(url).connect(settings=_AS_PSQL)) as session, control.on_stop(session.cancel):
                run_script(session, script, run_as=role)
            control.check()
            found[number] = stack.enter_context(closing(_dial(Database(url, read_only=True), control)))
        yield found


def _throw_away(scripts: Mapping[int, Script], other: Session | None) -> EphemeralServer:
    majors = available_majors()
    if not majors:
        name = next(iter(scripts.values())).name
        raise ConfigError(
            f"{name} has to be loaded into a throw-away server, and no server programs are installed",
            hint="pip install 'dbsync[local]'",
            code="LOCAL_NO_PROGRAMS",
        )
    wanted = other.server_version_num // 10000 if other is not None else max(majors)
    return EphemeralServer(min(majors, key=lambda major: (abs(major - wanted), -major)))


def describe_side(side: Side, session: Session) -> dict[str, Any]:
    """One end as the envelope names it."""
    (version, database) = session.one(
        "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_database()"
    )
    if isinstance(side, Script):
        return {"name": side.name, "server_version": version.split(" ")[0], "database": side.name}
    return {"name": session.url.name, "server_version": version.split(" ")[0], "database": database}
