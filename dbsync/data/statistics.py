"""Refresh the target's statistics for the planner; rows never depend on it, so what goes wrong is a warning."""

from __future__ import annotations

from collections.abc import Iterable

from dbsync.data.context import RunContext
from dbsync.errors import ConnectionLost, StatementFailed
from dbsync.failpoints import failpoint
from dbsync.model import TableName
from dbsync.pg import statements
from dbsync.pg.database import Session


def refresh_statistics(session: Session, run: RunContext, tables: Iterable[TableName]) -> None:
    """ANALYZE the tables, in the session's transaction or after it. Raises ConnectionLost and what stops the run."""
    for table in tables:
        try:
            session.notices.clear()
            failpoint("before_analyze")
            with session.transaction():
                session.execute(statements.analyze(table))
            for notice in session.notices:
                run.warn(f"{table}: statistics not refreshed: {notice}")
        except ConnectionLost:
            raise
        except StatementFailed as error:
            run.control.check()
            run.warn(f"{table}: statistics not refreshed: {error.message}")
