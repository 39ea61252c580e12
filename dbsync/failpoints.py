"""Named points where a test can make a run die, fail or wait; no-ops otherwise.

``DBSYNC_FAILPOINT=before_commit=kill`` (or ``raise``, or ``sleep:SECONDS``) acts at that point, each time
it is passed; ``before_commit@3=kill`` acts the third time. ``DBSYNC_FAILPOINTS_REACHED=FILE`` appends the
name of every point that is passed. Several points are joined by ``;``.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator

from dbsync.errors import DbsyncError

_REACHED = os.environ.get("DBSYNC_FAILPOINTS_REACHED")


def _asked_for(text: str) -> Iterator[tuple[str, str, str, Iterator[int]]]:
    """Each point's name, the time that is meant ("" for all), what to do, and a count of the times it is passed."""
    for one in filter(None, text.split(";")):
        point, _, action = one.partition("=")
        name, _, number = point.partition("@")
        yield name, number, action, itertools.count(1)


_POINTS = list(_asked_for(os.environ.get("DBSYNC_FAILPOINT", "")))


def failpoint(name: str) -> None:
    """Do what the environment asks for at this point; usually nothing."""
    if _REACHED is not None:
        with open(_REACHED, "a", encoding="utf-8") as file:
            file.write(f"{name}\n")
    for meant, number, action, passed in _POINTS:
        if name == meant and (not number or next(passed) == int(number)):
            _act(name, action)


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise DbsyncError(f"failpoint {name}", code="FAILPOINT")
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
