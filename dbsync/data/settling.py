"""Whether a COMMIT took place whose reply was lost: the ledger tells, or else the transaction's number and the rows.

What cannot be told is not guessed: rows that are not what was written may have been written to since.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from dbsync.data.context import RunContext
from dbsync.data.plan import GroupTask
from dbsync.errors import ConnectionLost
from dbsync.pg import runs, statements
from dbsync.pg.database import Session

_PAUSE_S = 0.05


def took_place(
    session: Session, run: RunContext, group: GroupTask, number: int | None, holds: Callable[[Session], bool]
) -> bool:
    """Whether the group's transaction was committed, once the server is done with it.

    ``number``: the transaction's own, where there is no ledger. ``holds``: whether the tables hold what it wrote.
    Raises ConnectionLost where nobody can tell.
    """
    if number is None:
        with session.transaction():
            return run.books.committed(session, group.tables[0].target)
    if not _is_committed(session, run, number):
        return False
    # A server that crashed, or a standby in its place, may have given the number to somebody else's transaction.
    if run.verify != "checksum":
        raise ConnectionLost("there is neither a ledger nor a checksum to tell")
    with session.transaction():
        session.execute(statements.lock_tables(group.lock, group.lock_mode))
        if not holds(session):
            raise ConnectionLost("there is no ledger to tell, and the rows are not those that were written")
    return True


def _is_committed(session: Session, run: RunContext, number: int) -> bool:
    """What became of a transaction. Locks do not tell when it ends: two of a role that may only insert go together."""
    deadline = time.monotonic() + run.plan.options.lock_timeout_s
    while (fate := runs.fate(session, number)) == "in progress":
        if time.monotonic() > deadline:
            raise ConnectionLost("the server is not done with the transaction")
        run.control.wait(_PAUSE_S)
    if fate is None:
        raise ConnectionLost("the server does not know the transaction any more")
    return fate == "committed"
