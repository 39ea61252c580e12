"""What a server does about memory: circles are looked for while it serves, and turning callers away takes no thread."""

from __future__ import annotations

import gc
import inspect
import weakref
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from dbsync.server import faults
from dbsync.server.memory import keep_for_good


@pytest.fixture
def as_the_command_has_it() -> Iterator[None]:
    """``dbsync.cli.main`` switches the search for circles off: most commands end soon."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


class _Circle:
    def __init__(self) -> None:
        self.me = self


@pytest.mark.usefixtures("as_the_command_has_it")
def test_circles_are_found_while_a_server_serves() -> None:
    keep_for_good()
    gone = weakref.ref(_Circle())
    for _ in range(200_000):
        _Circle()
        if gone() is None:
            break
    assert gone() is None


def test_a_reply_that_refuses_takes_no_thread() -> None:
    app = FastAPI()
    faults.install(app, lambda request, said: None)
    handlers = [handler for handler in app.exception_handlers.values() if handler.__module__ == faults.__name__]
    assert len(handlers) == 5
    assert all(map(inspect.iscoroutinefunction, handlers))
