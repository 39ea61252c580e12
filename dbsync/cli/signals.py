"""Signals and the time limit: the first one asks the work to stop, the process ends within 5 seconds.

A command that looks at its control itself is only told; into any other one a KeyboardInterrupt is
raised. A second signal, or the watchdog, ends the process at once with a true report.
"""

from __future__ import annotations

import _thread
import signal
import time
from functools import partial
from types import FrameType

from dbsync.cli.call import Call
from dbsync.errors import DbsyncError, Interrupted, TimeLimit

PATIENCE_S = 4.2
_LAST_WORDS_S = 0.7  # both within the five seconds
_AFTER_TWO_S = 2.0
_NAMES = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


def install(call: Call) -> None:
    """Handle SIGINT, SIGTERM and SIGHUP for this call; one that is ignored (nohup) stays ignored."""
    for number, name in _NAMES.items():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, partial(_on_signal, call, Interrupted(name, signal_number=number)))


def again(number: int) -> None:
    """Let a signal strike that came before ``install``."""
    signal.raise_signal(number)


def start_clock(call: Call) -> None:
    """Let the time limit of the call, if any, strike like a signal."""
    remaining = call.control.remaining()
    if remaining is not None:
        signal.signal(signal.SIGALRM, partial(_on_signal, call, TimeLimit()))
        signal.setitimer(signal.ITIMER_REAL, max(remaining, 0.001))


def stop_clock() -> None:
    """The call is over: its time limit no longer strikes."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def _on_signal(call: Call, reason: DbsyncError, _number: int, _frame: FrameType | None) -> None:
    call.signals += isinstance(reason, Interrupted)
    if call.signals > 1:
        call.cut_off(_AFTER_TWO_S)
    call.control.stop(reason)
    if not call.watched:  # whatever stopped the work first: it may have seen by itself that its time is up
        call.watched = True
        _thread.start_new_thread(_watch, (call,))
    if not call.graceful and not call.ending:
        raise KeyboardInterrupt


def _watch(call: Call) -> None:
    time.sleep(PATIENCE_S)
    call.cut_off(_LAST_WORDS_S)
