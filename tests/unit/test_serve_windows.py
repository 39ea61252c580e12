"""A sliding minute for each caller, as ``limits`` counts it over our storage."""

from __future__ import annotations

import threading

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from dbsync.server.windows import Windows


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_minute_slides() -> None:
    clock = Clock()
    windows = Windows(clock)
    limiter, item = MovingWindowRateLimiter(windows), RateLimitItemPerMinute(3)
    taken = []
    for second in (0, 10, 20, 30, 59, 60, 61, 70, 80, 81):
        clock.now = 1000.0 + second
        taken.append(limiter.hit(item, "read", "alice"))
    assert taken == [True, True, True, False, False, True, False, True, True, False]
    stats = limiter.get_window_stats(item, "read", "alice")
    assert (stats.reset_time, stats.remaining) == (1120.0, 0)
    assert limiter.hit(item, "read", "bob")
    assert limiter.get_window_stats(item, "read", "bob").remaining == 2


def test_who_has_not_asked_for_a_while_is_forgotten() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(1000):
        assert windows.acquire_entry(f"caller {number}", 5, 60)
    assert len(windows) == 1000
    clock.now += 61
    assert windows.get("caller 5") == 0
    assert windows.acquire_entry("one more", 5, 60)
    assert len(windows) == 1


def test_many_threads_take_no_more_than_there_is() -> None:
    windows, taken = Windows(), []
    threads = [
        threading.Thread(target=lambda: taken.extend([windows.acquire_entry("a", 50, 60) for _ in range(40)]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), len(taken)) == (50, 320)
    windows.clear("a")
    assert windows.incr("a", 60) == 1
    assert windows.reset() == 1
