"""``dbsync audit list|verify``: who did what, refused tries too, and whether the log is as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from dbsync.cli.command import command, group
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.tables import text_table
from dbsync.outcome.facts import timestamp

if TYPE_CHECKING:
    from dbsync.store import Store
    from dbsync.store.audit_entry import ChainedEntry


@command("list")
def list_(
    context: Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="The last so many.")] = 50,
    before: Annotated[
        int | None, typer.Option("--before", metavar="NUMBER", help="Of those with smaller numbers.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="WORD", help="Only these: sync, migrate.apply, ...")
    ] = None,
) -> Answer:
    """Show the last entries of the audit log."""
    from dbsync.store.audit import read_entries

    with _store(context) as store:
        entries = read_entries(store, limit=limit, before=before, action=action)
    header = ("number", "at", "actor", "action", "subject", "outcome", "facts")
    return Answer(
        result={"entries": [entry.to_dict() for entry in entries]},
        render={"text": lambda: text_table(header, map(_row, entries), right=[0], widest=120)},
    )


@command("verify", report=True)
def verify(
    context: Context,
    head: Annotated[
        str | None, typer.Option("--head", metavar="NUMBER:HASH", help="A head that was kept elsewhere must be in it.")
    ] = None,
) -> Answer:
    """Check that no entry was changed, taken out or cut off the end; exit 1 with the first that was."""
    from dbsync.store.audit import verify as verify_log
    from dbsync.store.audit_entry import Head

    known = Head.parse(head) if head is not None else None
    with _store(context) as store:
        found, fault = verify_log(store, known)
    sound = f"{found.number:,} entries, each as it was written; head {found}\n"
    return Answer(
        result={
            "sound": fault is None,
            "entries": found.number,
            "head": str(found),
            "fault": {"number": fault.number, "message": fault.message} if fault is not None else None,
        },
        render={"text": lambda: sound if fault is None else f"NOT as it was written: {fault.message}\n"},
        exit_code=0 if fault is None else 1,
    )


audit_app = group("audit", "Who did what: a log that is only added to.", list_, verify)


@contextmanager
def _store(context: Context) -> Iterator[Store]:
    from dbsync.store import open_store

    store = open_store(context.store_place, create=False)
    try:
        yield store
    finally:
        store.close()


def _row(entry: ChainedEntry) -> tuple[str, ...]:
    facts = entry.to_dict()["facts"]
    told = " ".join(f"{name}={value}" for name, value in facts.items())
    when = timestamp(entry.at)
    return (str(entry.number), when, entry.actor, entry.action, entry.subject or "", entry.outcome, told)
