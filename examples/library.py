"""Copy one database into another from Python: ``python library.py SOURCE_URL TARGET_URL``."""

import sys

from dbsync import services
from dbsync.control import Control
from dbsync.data.options import SyncOptions
from dbsync.data.report import SyncReport
from dbsync.errors import DbsyncError
from dbsync.events import Event, TableFinished
from dbsync.pg.database import Database
from dbsync.urls import parse_url


def copy(source_url: str, target_url: str) -> SyncReport:
    """Fill or replace every table of the target; raise DbsyncError when it is refused."""
    control = Control(time_limit=3600)
    source = Database(parse_url(source_url), read_only=True)
    target = Database(parse_url(target_url))
    options = SyncOptions(mode="replace", jobs=2)
    with services.open_sync(source, target, options, control=control, warn=print) as opened:
        opened.plan()
        opened.require_consent(yes=True, confirm=None, ask=None)
        return opened.run(emit=show, control=control)


def show(event: Event) -> None:
    """Print each table as it is done."""
    if isinstance(event, TableFinished):
        print(f"{event.table}: {event.state}, {event.rows} rows, verified: {event.verified}")


def main(source_url: str, target_url: str) -> int:
    """Copy, say how it went, return the exit code."""
    try:
        report = copy(source_url, target_url)
    except DbsyncError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return error.exit_code
    print(f"{report.state}, verified: {report.verified}")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
