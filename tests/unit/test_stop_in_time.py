"""What has been told to stop ends in time, whoever told it first."""

from __future__ import annotations

import subprocess
import sys

_STUCK = """
import threading
from dbsync.cli import signals
from dbsync.cli.call import Call
from dbsync.errors import TimeLimit

signals.PATIENCE_S = 0.1
call = Call(["sync"], {})
call.graceful = True
call.control.stop(TimeLimit())  # the work has looked at the clock a moment before the alarm
signals._on_signal(call, TimeLimit(), 14, None)
threading.Event().wait(60)
"""


def test_the_alarm_ends_what_had_seen_by_itself_that_its_time_was_up() -> None:
    done = subprocess.run([sys.executable, "-c", _STUCK], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (7, ["hint: give it more time with --timeout"]), done
