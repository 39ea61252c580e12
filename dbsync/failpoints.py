"""Named points where a test can make a run die, fail or wait; no-ops otherwise.

``DBSYNC_FAILPOINT=before_commit=kill`` (or ``raise``, or ``sleep:SECONDS``) acts at that point, each time
it is passed; ``before_commit@3=kill`` acts the third time. ``DBSYNC_FAILPOINTS_REACHED=FILE`` appends the
name of every point that is passed.
"""

from __future__ import annotations

import itertools
import os
import signal
import time

from dbsync.errors import DbsyncError

_POINT, _, _ACTION = os.environ.get("DBSYNC_FAILPOINT", "").partition("=")
_NAME, _, _NUMBER = _POINT.partition("@")
_REACHED = os.environ.get("DBSYNC_FAILPOINTS_REACHED")
_passed = itertools.count(1)


def failpoint(name: str) -> None:
    """Do what the environment asks for at this point; usually nothing."""
    if _REACHED is not None:
        with open(_REACHED, "a", encoding="utf-8") as file:
            file.write(f"{name}\n")
    if name != _NAME or (_NUMBER and next(_passed) != int(_NUMBER)):
        return
    if _ACTION == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _ACTION == "raise":
        raise DbsyncError(f"failpoint {name}", code="FAILPOINT")
    elif _ACTION.startswith("sleep:"):
        time.sleep(float(_ACTION.removeprefix("sleep:")))
