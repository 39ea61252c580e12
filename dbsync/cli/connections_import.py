"""``dbsync connections import``: take over the connections of the older web frontend."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.terminal import escape
from dbsync.errors import ConfigError, DbsyncError
from dbsync.home import expanded
from dbsync.model import TableName
from dbsync.pg.older_connections import older_connections
from dbsync.registry import LOCAL_OWNER
from dbsync.registry.importing import Imported, ImportOptions, import_rows
from dbsync.registry.legacy import older_key
from dbsync.registry.older_rows import OlderRow, parse_rows, rows_of

_LARGEST = 64 * 1024 * 1024


@command("import", report=True)
def import_(
    context: Context,
    place: Annotated[
        str, typer.Argument(metavar="FILE|DB", help="A file of JSON or CSV, - for stdin, or with --table a database.")
    ],
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE", help="Read this table of a database: public.connections.")
    ] = None,
    keep_owners: Annotated[
        bool, typer.Option("--keep-owners", help="For `dbsync serve`: each row stays its user's.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Open and check every row, save none.")] = False,
) -> Answer:
    """Take over connections in the older encryptedUrl format; ENCRYPTION_KEY opens them.

    Ids stay as they are. A connection that is saved already is left alone, so that it can be run again.
    """
    if not dry_run:
        context.audited("connections.import", table or place)
    key = older_key()
    for warning in key.warnings:
        context.warn(warning)
    rows = _from_table(context, place, table) if table is not None else parse_rows(_read(place))
    options = ImportOptions(key=key, owner=None if keep_owners else LOCAL_OWNER, dry_run=dry_run, quotas=context.quotas)
    with context.registry(create=True) as registry:
        done = import_rows(registry, rows, options)
    failed = [each for each in done if each.outcome == "failed"]
    return Answer(
        result={"dry_run": dry_run, "rows": [_facts(each) for each in done]},
        render={"text": lambda: [*map(_line, done), _total(done, dry_run=dry_run)]},
        exit_code=DbsyncError.exit_code if failed else 0,
        error=_failure(failed, len(done)) if failed else None,
    )


def _from_table(context: Context, place: str, table: str) -> tuple[OlderRow, ...]:
    with context.source(place) as session:
        return rows_of(iter(older_connections(session, TableName.parse(table))))


def _read(place: str) -> str:
    if "://" in place:
        raise ConfigError("a database is named, and no table in it", hint="add --table public.connections")
    try:
        if place == "-":
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with expanded(place).open("rb") as file:
                data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"the file {place} cannot be read: {(error.strerror or '').lower()}") from None
    if len(data) > _LARGEST:
        raise ConfigError("the file is larger than 64 MB")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8") from None


def _failure(failed: list[Imported], rows: int) -> DbsyncError:
    first = failed[0]
    hint = first.error.hint if first.error is not None else None
    return DbsyncError(f"{len(failed)} of {rows} rows could not be taken over: {first.name}: {first.reason}", hint=hint)


def _facts(done: Imported) -> dict[str, Any]:
    return {
        "row": done.number,
        "id": done.id,
        "owner": done.owner,
        "name": done.name,
        "outcome": done.outcome,
        "notes": list(done.notes),
        "reason": done.reason,
        "code": done.error.code if done.error is not None else None,
    }


def _line(done: Imported) -> str:
    remarks = "; ".join((*done.notes, *((done.reason,) if done.reason else ())))
    return f"{done.outcome:9}  {escape(done.name)}" + (f"  ({escape(remarks)})" if remarks else "") + "\n"


def _total(done: tuple[Imported, ...], *, dry_run: bool) -> str:
    new = sum(each.outcome == "imported" for each in done)
    return f"{new} of {len(done)} rows {'would be' if dry_run else 'are'} taken over\n"
