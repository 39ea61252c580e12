"""Named points where a test can make a run die, fail or wait; no-ops otherwise.

``DBSYNC_FAILPOINT=before_commit=kill`` (or ``raise``, or ``sleep:SECONDS``) acts at that point.
"""

from __future__ import annotations

import os
import signal
import time

from dbsync.errors import DbsyncError

_NAME, _, _ACTION = os.environ.get("DBSYNC_FAILPOINT", "").partition("=")


def failpoint(name: str) -> None:
    """Do what the environment asks for at this point; usually nothing."""
    if name != _NAME:
        return
    if _ACTION == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _ACTION == "raise":
        raise DbsyncError(f"failpoint {name}", code="FAILPOINT")
    elif _ACTION.startswith("sleep:"):
        time.sleep(float(_ACTION.removeprefix("sleep:")))
