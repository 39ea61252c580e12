"""Lock a group's tables in the target, and make sure that they are as the plan saw them."""

from __future__ import annotations

from collections.abc import Mapping

from dbsync.data.context import RunContext
from dbsync.data.plan import GroupTask
from dbsync.errors import Drift, StatementFailed
from dbsync.events import TablePhase
from dbsync.failpoints import failpoint
from dbsync.pg import runs, statements
from dbsync.pg.database import Session

LOCK_FAILURES = ("55P03", "40P01")  # lock_not_available, deadlock_detected


def lock_group(session: Session, run: RunContext, group: GroupTask) -> None:
    """Lock every table of the group, then make sure that nothing changed since the plan. Raises Drift."""
    for task in group.tables:
        run.emit(TablePhase(table=task.target, phase="lock"))
    oids = run.target_oids(group.lock)
    failpoint("before_lock")
    try:
        session.execute(statements.lock_tables(group.lock, group.lock_mode))
    except StatementFailed as error:
        if error.sqlstate in LOCK_FAILURES:
            with run.target_session("look") as other:
                holders = runs.blockers(other, list(oids.values()))
            error.hint = f"locks are held by {', '.join(holders)}" if holders else error.hint
        raise
    check_structure(session, run, group)
    bulk = [task for task in group.tables if task.strategy == "bulk"]
    if bulk:
        filled = session.execute(statements.any_rows([(task.target, task.target_only) for task in bulk]))
        for number, holds_rows in filled:
            if holds_rows:
                raise Drift(f"{bulk[number].target} was empty when the plan was made and holds rows now")


def check_structure(session: Session, run: RunContext, group: GroupTask) -> None:
    """Raise Drift unless the group's tables, which are locked, are those that the plan was made for."""
    for table in runs.changed(session, run.target_oids(group.lock), run.target_stamps, again=True):
        raise Drift(f"{table} was changed in the target since the plan was made", hint="run the command again")


def check_files(session: Session, run: RunContext, group: GroupTask, then: Mapping[int, int | None]) -> None:
    """Raise Drift where rows are in another file than the one in which they were found (VACUUM FULL, TRUNCATE)."""
    oids = run.target_oids(group.lock)
    now = runs.files(session, oids.values())
    for table, oid in oids.items():
        if oid in then and now.get(oid) != then[oid]:
            raise Drift(f"{table} was written anew since it was compared", hint="run the command again")
