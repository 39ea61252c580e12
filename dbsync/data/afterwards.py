"""What follows the groups of a run that did not fail: shared sequences are set, materialised views refreshed."""

from __future__ import annotations

from dbsync.data.context import RunContext
from dbsync.data.report import SyncReport
from dbsync.data.sequence_states import set_sequences
from dbsync.errors import ConnectionLost, DbsyncError, StatementCancelled, StatementFailed
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import statements
from dbsync.pg.database import Session


def finish_up(context: RunContext, report: SyncReport) -> list[DbsyncError]:
    """Set the sequences that no single group owns, and refresh the views; return what went wrong."""
    plan = context.plan
    if not (plan.sequences or plan.refresh):
        return []
    errors: list[DbsyncError] = []
    try:
        with context.target_session("finish") as session:
            failpoint("before_finish")
            with session.transaction():
                context.books.seal(session)
                set_sequences(session, context, plan.sequences)
            for view in plan.refresh:
                context.control.check()
                failpoint("before_refresh")
                try:
                    _refresh(session, context, view)
                except StatementFailed as error:
                    errors.append(_told(error, view, created=plan.options.create))
                else:
                    report.refreshed.append(str(view))
    except DbsyncError as error:
        errors.append(error)
    return errors


def _refresh(session: Session, context: RunContext, view: TableName) -> None:
    with session.transaction():
        session.execute(statements.refresh_view(view))
        context.books.seal(session)


def _told(error: StatementFailed, view: TableName, *, created: bool) -> StatementFailed:
    """A view that fails keeps no other from being refreshed; where the session or the run is at its end, it does."""
    if isinstance(error, (ConnectionLost, StatementCancelled)):
        raise error
    way_on = "refresh it by hand" if created else f"leave it as it is with --exclude {view}"
    return StatementFailed(
        f"the rows are in, but the materialised view {view} cannot be refreshed: {error.message}",
        hint=f"mend the view and run again, or {way_on}",
        sqlstate=error.sqlstate,
    )
