"""What became of a run whose process is gone: it may have been done before it could say so.

The target's ledger tells, in which the run's end stands since before anybody else was told of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from dbsync.errors import DbsyncError
from dbsync.jobs.model import Job
from dbsync.pg import ledger
from dbsync.pg.database import Database
from dbsync.pg.ledger import RunRecord
from dbsync.urls import DatabaseUrl

LOGGER = logging.getLogger(__name__)
Settle = Callable[[Job], Mapping[str, Any] | None]
_COUNTED = ("rows_inserted", "rows_updated", "rows_deleted")


def by_ledger(urls: Callable[[Job], tuple[DatabaseUrl, DatabaseUrl]]) -> Settle:
    """Return what asks the target of a lost job: the result of a run that had succeeded, else None.

    None as well where the target cannot be asked. That takes as long as its URL allows for connecting.
    """

    def settle(job: Job) -> Mapping[str, Any] | None:
        if job.run_id is None:
            return None
        try:
            _, target = urls(job)
            with closing(Database(target, read_only=True).connect(application_name="dbsync jobs")) as session:
                if ledger.find_ledger(session) is None:
                    return None
                record = ledger.find_run(session, job.run_id)
        except DbsyncError as error:
            LOGGER.info("what became of job %s cannot be asked: %s", job.id, error.message)
            return None
        return _result(record) if record.state == "succeeded" else None

    return settle


def _result(record: RunRecord) -> dict[str, Any]:
    """As much of a sync's result as a ledger keeps."""
    tables = [
        {"table": str(table.table), "strategy": table.strategy, "state": table.state}
        | {name: getattr(table, name) for name in _COUNTED}
        for table in record.tables
    ]
    return {
        "run_id": record.run_id,
        "state": record.state,
        "snapshot": record.snapshot,
        "ledger": True,
        "told_by": "ledger",
        "tables": tables,
        "totals": {name: sum(table[name] for table in tables) for name in _COUNTED},
    }
