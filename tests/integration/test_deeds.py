"""What a request under an id did is done once, also where its reply was lost by a fault of ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dbsync.errors import ConnectionFailed
from dbsync.server.deeds import Deed
from dbsync.server.wire.envelope import Shape, ok
from dbsync.store import open_store, store_place

ASKED = SimpleNamespace(
    method="POST",
    url=SimpleNamespace(path="/api/connections/1/execute"),
    state=SimpleNamespace(given_id=True, request_id="insert-1", digest="d"),
)


@pytest.fixture
def once(tmp_path: Path) -> Any:
    """``Deed.once`` over a store of its own, and what it has carried out."""
    with closing(open_store(store_place(environ={"XDG_STATE_HOME": str(tmp_path / "state")}))) as store:
        caller = SimpleNamespace(owner="alice", email=None, by="token")
        deed = Deed(ASKED, SimpleNamespace(store=store), caller)  # type: ignore[arg-type]  # all that it reads of them

        def do(work: Callable[[], Shape], *, again: bool) -> Any:
            return deed.once("execute", "1", work, again=again)

        yield do


@pytest.mark.parametrize("again", [False, True])
def test_a_fault_after_the_work_is_no_reason_to_do_it_twice(once: Any, again: bool) -> None:
    done: list[int] = []

    def work() -> Shape:
        done.append(1)
        if len(done) == 1:
            raise RuntimeError("after the COMMIT")
        return ok({"n": len(done)})

    with pytest.raises(RuntimeError):
        once(work, again=again)
    reply = once(work, again=again)
    assert (reply.status_code, len(done)) == ((200, 2) if again else (500, 1))


def test_what_the_caller_can_mend_is_answered_alike(once: Any) -> None:
    def work() -> Shape:
        raise ConnectionFailed("no such host")

    assert [once(work, again=False).status_code for _ in range(2)] == [400, 400]
