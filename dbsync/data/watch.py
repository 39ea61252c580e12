"""Who looks after a run's sessions: the target's run lock, and whether those live that must not die."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dbsync.control import Control
from dbsync.errors import ConnectionLost, DbsyncError, TargetBusy
from dbsync.events import Emit, Notice
from dbsync.pg import runs
from dbsync.pg.database import Session

_WATCH_S = 2.0
_SILENCE_S = 30.0
_CLEANING_S = 2.0  # the target may be what was lost; the next run cleans up else


def take_run_lock(session: Session, *, wait: bool, emit: Emit, control: Control, patience: float = 0.0) -> None:
    """Take the target's run lock for the life of the session; raise TargetBusy, naming the holder, or wait for it.

    ``patience``: so many seconds may pass until the server has noticed that the holder is dead.
    """
    deadline = time.monotonic() + patience
    while not runs.try_run_lock(session):
        if time.monotonic() >= deadline:
            break
        control.wait(_WATCH_S / 4)
    else:
        return
    said = f"another run holds the target: {runs.run_lock_holder(session) or 'it has just ended'}"
    if not wait:
        raise TargetBusy(said, hint="wait for it, or use --on-locked wait or --on-locked skip")
    emit(Notice(message=said))
    runs.wait_for_run_lock(session, control.wait)


@contextmanager
def watch(sessions: Mapping[str, Session], control: Control) -> Iterator[None]:
    """Ask the sessions that must not die every two seconds whether they live, in a thread of its own.

    A server that says nothing must not keep the run from its time limit. The run is stopped when one is
    gone, or silent for so long that nobody would wait for it.
    """
    ended = threading.Event()
    threads = [
        threading.Thread(target=_ask, args=(name, session, control, ended), daemon=True)
        for name, session in sessions.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread, session in zip(threads, sessions.values(), strict=True):
            thread.join(1.0)
            if thread.is_alive():
                session.abort()
                thread.join()


def _ask(name: str, session: Session, control: Control, ended: threading.Event) -> None:
    while not ended.wait(_WATCH_S):
        silence = threading.Timer(_SILENCE_S, session.abort)
        silence.daemon = True
        silence.start()
        try:
            session.execute("SELECT 1")
        except DbsyncError as error:
            if not ended.is_set():
                message = f"the session that holds the {name} was lost: {error.message}"
                control.stop(ConnectionLost(message, hint="run the command again"))
            return
        finally:
            silence.cancel()


@contextmanager
def in_time(session: Session) -> Iterator[None]:
    """Give a server two seconds to answer: at its end no run waits for one that says nothing."""
    timer = threading.Timer(_CLEANING_S, session.abort)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
