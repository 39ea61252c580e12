"""Staging a large table in parts, by whoever has time: this process and the workers that help it.

Each part is one range of one table, read under the run's one snapshot and committed beside the target's table together
with its row in the ledger. That row decides what is done; who was to do it, and who says it was, decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from dbsync.data.bookkeeping import Bookkeeping
from dbsync.data.context import RunContext
from dbsync.data.plan import TableTask
from dbsync.data.report import TableOutcome
from dbsync.data.stream import copied_columns, page_ranges, progress_of
from dbsync.errors import StatementFailed
from dbsync.events import TableProgress, TableStarted
from dbsync.model import TableName
from dbsync.pg import ledger_parts, statements
from dbsync.pg.copy import Pace, copy_rows
from dbsync.pg.database import Session

_LOOK_S = 0.5
_DONE_ALREADY = "23505"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One range of one table, and what it takes to stage it from anywhere. It holds no URL and no row."""

    run_id: str
    number: int
    source: TableName
    source_only: bool
    staging: TableName
    columns: tuple[str, ...]
    binary: bool
    where: str | None
    pages: tuple[int, int | None] | None
    snapshot: str
    fence: int
    lock_pid: int  # the backend that holds the run lock
    lock_timeout_s: float = 10.0  # how long the reader may wait for a table that somebody wants to alter

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Part:
        """Read what ``to_dict`` made; what only another version knows is passed over."""
        pages = data["pages"]
        kept = {
            "source": TableName(**data["source"]),
            "staging": TableName(**data["staging"]),
            "columns": tuple(data["columns"]),
            "pages": (pages[0], pages[1]) if pages else None,
        }
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in {**data, **kept}.items() if name in known})


@dataclass(frozen=True, slots=True)
class Taken:
    """A part that the run itself has taken; ``tries``: how many had it before, and are gone or gave it back."""

    number: int
    tries: int


class Helpers(Protocol):
    """Who may stage parts besides the run itself. Methods may be called from any thread."""

    def offer(self, parts: Sequence[Part]) -> None:
        """Let others take these parts."""

    def take(self, numbers: Collection[int]) -> Taken | None:
        """Take one of these parts that nobody has, for the run itself; None where there is none now."""

    def done(self, number: int) -> None:
        """The run itself has staged a part that it took."""

    def end(self) -> None:
        """Nobody may take parts of this run any more."""


def stage_in_parts(run: RunContext, outcome: TableOutcome, staging: TableName) -> None:
    """Fill a staging table, together with the helpers; done when the ledger has every part."""
    task, started = outcome.task, time.monotonic()
    assert run.helpers is not None
    parts = {part.number: part for part in _parts_of(run, task, staging)}
    run.emit(TableStarted(table=task.target, rows=task.rows, bytes=task.bytes))
    run.helpers.offer(list(parts.values()))
    known: dict[int, tuple[int, int]] = {}
    mine: set[int] = set()
    while len(known) < len(parts):
        run.control.check()
        taken = run.helpers.take(parts.keys() - known.keys())
        if taken is not None:
            mine.add(taken.number)
            _stage_here(run, task, parts[taken.number], taken.tries)
            run.helpers.done(taken.number)
            continue
        for number, copied in _newly_done(run, parts.keys(), known):
            known[number] = copied
            if number not in mine:
                run.emit(TableProgress(table=task.target, rows=copied[0], bytes=copied[1]))
        if len(known) < len(parts):
            run.control.wait(_LOOK_S)
    outcome.rows_source = outcome.rows_inserted = sum(rows for rows, _ in known.values())
    outcome.bytes = sum(size for _, size in known.values())
    outcome.elapsed_s = time.monotonic() - started


def copy_part(part: Part, reader: Session, writer: Session, *, by: str, pace: Pace, progress: Progress) -> None:
    """Stage a part in one transaction of the target, sealed like every other; nothing happens if it is done already.

    ``reader`` sees the run's snapshot. Raises Fenced, or ConnectionLost, when the run is over.
    """
    rows = statements.select_rows(part.source, part.columns, only=part.source_only, where=part.where, pages=part.pages)
    books = Bookkeeping(run_id=part.run_id, lock_pid=part.lock_pid, fence=part.fence)
    try:
        with writer.transaction():
            copied = copy_rows(
                [reader],
                iter([statements.copy_out(rows, binary=part.binary)]),
                writer,
                statements.copy_in(part.staging, part.columns, binary=part.binary),
                binary=part.binary,
                pace=pace,
                progress=progress,
                large=part.pages is not None,
            )
            size = copied.bytes if copied.rows else 0
            ledger_parts.record_part(
                writer, part.run_id, part.number, fence=part.fence, rows=copied.rows, size=size, by=by
            )
            books.seal(writer)
    except StatementFailed as error:
        if error.sqlstate != _DONE_ALREADY:
            raise


class Progress(Protocol):
    """Is told of rows and bytes that were sent."""

    def __call__(self, rows: int, count: int) -> None:
        """So many more."""


def _parts_of(run: RunContext, task: TableTask, staging: TableName) -> Iterator[Part]:
    assert run.books.fence is not None
    for pages in page_ranges(task):
        yield Part(
            run_id=run.run_id,
            number=run.part_number(),
            source=task.source,
            source_only=task.source_only,
            staging=staging,
            columns=tuple(copied_columns(task)),
            binary=task.binary,
            where=task.where,
            pages=pages,
            snapshot=run.snapshot_id,
            fence=run.books.fence,
            lock_pid=run.books.lock_pid,
            lock_timeout_s=run.lock_timeout_s,
        )


def _stage_here(run: RunContext, task: TableTask, part: Part, tries: int) -> None:
    with (
        run.copy_reader() as reader,
        run.target_session("stage") as session,
        progress_of(task, run) as progress,
    ):
        # Where a helper stands still in it, its sessions would keep the staging table from being dropped.
        for each in (reader, session) if tries else ():
            ledger_parts.end_part_sessions(each, part.run_id, part.number, before=tries)
        copy_part(part, reader, session, by="the run itself", pace=run.pace, progress=progress)


def _newly_done(
    run: RunContext, numbers: Collection[int], known: Mapping[int, tuple[int, int]]
) -> list[tuple[int, tuple[int, int]]]:
    with run.target_session("stage") as session:
        done = ledger_parts.parts_done(session, run.run_id)
    return [(number, done[number]) for number in sorted(numbers) if number in done and number not in known]
