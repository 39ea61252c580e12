"""The ledger's part about parts: ranges of tables that were staged, each noted in the transaction that did it."""

from __future__ import annotations

from collections.abc import Mapping

from dbsync.pg.database import Session
from dbsync.pg.sql import load

_SQL = load("ledger")


def record_part(session: Session, run_id: str, number: int, *, fence: int, rows: int, size: int, by: str) -> None:
    """Note a part in the transaction that stages it. Raises StatementFailed (23505) when it was staged before."""
    session.execute(_SQL["record_part"], [run_id, number, fence, rows, size, by])


def parts_done(session: Session, run_id: str) -> Mapping[int, tuple[int, int]]:
    """The parts of a run that are committed: rows and bytes by number."""
    return {number: (rows, size) for number, rows, size in session.execute(_SQL["parts_done"], [run_id])}


def part_application(run_id: str, number: int, tries: int) -> str:
    """What a helper's sessions are called, such that those of an earlier try can be told and ended."""
    return f"{_all_parts(run_id)}{number} try {tries}"


def end_part_sessions(session: Session, run_id: str, number: int | None = None, *, before: int = 0) -> int:
    """End the sessions of helpers of a run: of all, or of those that tried a part fewer than ``before`` times.

    Returns how many.
    """
    prefix = _all_parts(run_id)
    names = [f"{prefix}{number} try {tries}" for tries in range(before)] if number is not None else None
    return len(session.execute(_SQL["end_sessions"], {"prefix": prefix, "names": names}))


def end_run_sessions(session: Session, run_id: str) -> int:
    """End every session that a run has on this database, with its locks and its snapshot; return how many.

    For whoever knows that the run is over, though the server may not: its host was cut off, or stands still.
    """
    return len(session.execute(_SQL["end_sessions"], {"prefix": f"dbsync {run_id} ", "names": None}))


def _all_parts(run_id: str) -> str:
    return f"dbsync {run_id} part "
