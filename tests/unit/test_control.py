"""The stop order: the first reason stands, callbacks unblock, deadlines strike."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from dbsync.control import Control
from dbsync.errors import Interrupted, TimeLimit


def test_the_first_reason_stands():
    control = Control()
    control.check()
    control.stop(Interrupted(signal_number=15))
    control.stop(TimeLimit())
    with pytest.raises(Interrupted) as caught:
        control.check()
    assert caught.value.status == 143


def test_the_reason_is_told_what_a_stop_leaves_behind_before_anybody_sees_it():
    control, told = Control(), []
    control.aftermath = lambda reason: told.append((reason, control.reason))
    control.stop(reason := Interrupted())
    control.stop(TimeLimit())
    assert told == [(reason, reason)]


def test_a_deadline_strikes():
    now = 100.0
    control = Control(time_limit=5, clock=lambda: now)
    control.check()
    assert control.remaining() == 5
    now = 105.0
    assert control.remaining() == 0
    with pytest.raises(TimeLimit):
        control.check()
    assert control.elapsed() == 5


def test_waiting_ends_when_the_order_comes():
    control = Control()
    threading.Timer(0.05, control.stop, [Interrupted()]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        control.wait(30)
    assert time.monotonic() - started < 5


def test_callbacks_run_in_another_thread_only_during_their_block_and_all_of_them():
    control, called = Control(), threading.Event()
    threads: list[int] = []

    def fails() -> None:
        raise OSError("the session is gone")

    def unblocks() -> None:
        threads.append(threading.get_ident())
        called.set()

    def never() -> None:
        raise AssertionError("its block is over")

    with control.on_stop(never):
        pass
    with control.on_stop(fails), control.on_stop(unblocks):
        control.stop(Interrupted())
        assert called.wait(5)
    assert threads != [threading.get_ident()]


def test_a_callback_registered_too_late_is_called_at_once():
    control, called = Control(), []
    control.stop(Interrupted())
    with control.on_stop(lambda: called.append(1)):
        assert called


def test_the_order_may_come_from_a_signal_handler_while_the_program_waits():
    control = Control()
    before = signal.signal(signal.SIGUSR1, lambda *_: control.stop(Interrupted()))
    try:
        threading.Timer(0.05, signal.pthread_kill, [threading.main_thread().ident, signal.SIGUSR1]).start()
        with pytest.raises(Interrupted):
            control.wait(30)
    finally:
        signal.signal(signal.SIGUSR1, before)
