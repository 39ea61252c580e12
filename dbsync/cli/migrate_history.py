"""``dbsync migrate status`` and ``history``: what was applied to a database, from its own ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.tables import text_table
from dbsync.cli.terminal import escape

if TYPE_CHECKING:  # loaded when the ledger is read
    from dbsync.pg.database import Session
    from dbsync.pg.migrations import MigrationRecord

Target = Annotated[str, typer.Argument(metavar="DB", help="The database that migrations were applied to.")]
_NOTHING = "the database has no record of a migration\n"  # one may have been applied without a ledger
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most so many.")]


@command("status")
def status(context: Context, database: Target) -> Answer:
    """Say how the last migration of a database ended, or how far it is. Exit 1: it stands half done."""
    from dbsync.pg import migrations

    with context.source(database) as session:
        records = migrations.seen(session, 1)
        found = _facts(records[0], running=_is_held(session)) if records else None
    half_done = found is not None and found["half_done"]
    return Answer(
        result={"migration": found},
        render={"text": lambda: _status_text(found)},
        exit_code=1 if half_done else 0,
    )


@command("history")
def history(context: Context, database: Target, limit: Limit = 100) -> Answer:
    """List the migrations that were applied to a database or taken back, the newest first."""
    from dbsync.pg import migrations

    with context.source(database) as session:
        running = _is_held(session)
        found = [
            _facts(record, running=running and number == 0)
            for number, record in enumerate(migrations.seen(session, limit))
        ]
    return Answer(result={"migrations": found}, render={"text": lambda: _table(found)})


def _is_held(session: Session) -> bool:
    """Whether some run holds the database now: a migration that says it is running may have died."""
    from dbsync.pg.runs import run_lock_holder

    return run_lock_holder(session) is not None


def _facts(record: MigrationRecord, *, running: bool) -> dict[str, Any]:
    state = "died" if record.state == "running" and not running else record.state
    current = next((n for n in range(1, len(record.statements) + 1) if record.progress.get(n) != "done"), None)
    ended = state in ("succeeded", "running")
    return {
        "migration_id": record.migration_id,
        "plan_hash": record.plan_hash,
        "direction": record.direction,
        "state": state,
        "half_done": record.unfinished and state != "running",
        "started_at": str(record.started_at),
        "ended_at": None if record.ended_at is None else str(record.ended_at),
        "source": record.source_name,
        "statements": len(record.statements),
        "done": record.done,
        "next_statement": None
        if current is None or (ended and state != "running")
        else {"number": current, "sql": record.statements[current - 1]},
        "error": record.error,
        "client": {"pid": record.client.pid, "host": record.client.host, "user": record.client.user},
        "role": record.role,
        "dbsync_version": record.tool_version,
    }


def _status_text(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        yield _NOTHING
        return
    way = "applied from" if found["direction"] == "up" else "taken back, planned from"
    yield f"migration {found['migration_id']}: {found['state']}, {found['done']} of {found['statements']} statements\n"
    yield f"  {way} {escape(found['source'])}, started {found['started_at']}"
    yield f", ended {found['ended_at']}\n" if found["ended_at"] else "\n"
    if found["error"]:
        yield f"  {escape(found['error'])}\n"
    if found["next_statement"]:
        yield f"  next is statement {found['next_statement']['number']}: "
        yield escape(" ".join(found["next_statement"]["sql"].split())) + "\n"
    if found["half_done"]:
        yield "  it stands half done: run the same migrate apply again, and it goes on\n"


def _table(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not found:
        yield _NOTHING
        return
    rows = [
        (
            one["migration_id"], one["direction"], one["state"], f"{one['done']}/{one['statements']}",
            one["started_at"], one["source"], one["error"] or "",
        )
        for one in found
    ]  # fmt: skip
    header = ("migration", "direction", "state", "statements", "started", "source", "error")
    yield from text_table(header, rows, right=(3,))
