"""Streams of one process: one question for all of them, and a crowd that is turned away at the door."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from dbsync.errors import DbsyncError
from dbsync.jobs.model import JobState
from dbsync.jobs.store import JobStore
from dbsync.server import app
from dbsync.server.audience import Audience
from dbsync.server.faults import Fault
from dbsync.store import streams
from tests.fixtures.jobs import job_store, new_job


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobStore]:
    with job_store(tmp_path) as store:
        yield store


def audience_of(jobs: JobStore, clock: Callable[[], float] = lambda: 0.0) -> Audience:
    return Audience(jobs, anyio.CapacityLimiter(2), clock)


def noted(function: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    """The function, and a note of each call."""

    def noting(*args: Any, **more: Any) -> Any:
        calls.append(args)
        return function(*args, **more)

    return noting


def take(audience: Audience, owner: str = "alice") -> str:
    return audience.take_place(owner, "j", each=2, all_owners=3)


def test_who_was_turned_away_is_for_a_moment_without_a_look_at_the_store(
    jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = [0.0]
    audience = audience_of(jobs, lambda: time[0])
    first = take(audience)
    take(audience)
    asked: list[Any] = []
    monkeypatch.setattr(streams, "take_place", noted(streams.take_place, asked))
    for _ in range(5):
        with pytest.raises(Fault, match="Too many streams") as caught:
            take(audience)
        assert caught.value.status == 429
    assert len(asked) == 1
    take(audience, "bob")
    with pytest.raises(Fault):
        take(audience, "carol")  # all places are taken
    anyio.run(audience.leave, first)
    take(audience)  # at once: one has left
    with pytest.raises(Fault):
        take(audience)
    time[0] += 1.1
    with pytest.raises(Fault):
        take(audience)
    assert len(asked) == 6


def test_of_a_crowd_as_many_as_may_be_wait_at_the_door(jobs: JobStore) -> None:
    audience = audience_of(jobs)
    with ExitStack() as doors:
        for _ in range(2):
            doors.enter_context(audience.opening("alice", each=2))
        with pytest.raises(Fault), audience.opening("alice", each=2):
            pass
        doors.enter_context(audience.opening("bob", each=2))
    with audience.opening("alice", each=2):
        place = take(audience)
        with pytest.raises(Fault), audience.opening("alice", each=2):
            pass
    anyio.run(audience.leave, place)
    with audience.opening("alice", each=1):
        pass


def test_all_followers_are_told_how_many_events_their_jobs_have(
    jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = [0.0]
    audience = audience_of(jobs, lambda: time[0])
    one, other = new_job(jobs), new_job(jobs)
    jobs.change(other.id, JobState.QUEUED)
    told: dict[str, int | None] = {}

    async def follow(name: str, job_id: str) -> None:
        with audience.following(name, job_id):
            told[name] = await audience.next_look(job_id, within_s=20)

    async def round_of_looks() -> None:
        await audience.look()  # nobody is there
        async with anyio.create_task_group() as group:
            for name, job_id in {"a": one.id, "b": one.id, "c": other.id, "d": "gone"}.items():
                group.start_soon(follow, name, job_id)
            await anyio.wait_all_tasks_blocked()
            await audience.look()

    asked: list[Any] = []
    monkeypatch.setattr(jobs, "event_counts", noted(jobs.event_counts, asked))
    anyio.run(round_of_looks)
    assert told == {"a": 1, "b": 1, "c": 2, "d": None}
    assert asked == [({one.id, other.id, "gone"},)]
    kept: list[Any] = []
    monkeypatch.setattr(streams, "keep_places", lambda _, places: kept.append(sorted(places)))
    time[0] = 16.0
    anyio.run(round_of_looks)
    anyio.run(round_of_looks)
    assert kept == [["a", "b", "c", "d"]]
    monkeypatch.setattr(jobs, "event_counts", partial(_fail, DbsyncError("the store is away")))
    anyio.run(round_of_looks)
    assert set(told.values()) == {None}  # each finds out by itself


def test_who_waits_for_a_look_goes_on_when_none_comes_or_the_server_ends(jobs: JobStore) -> None:
    audience = audience_of(jobs)
    job = new_job(jobs)

    async def main() -> None:
        with anyio.fail_after(20):
            assert await audience.next_look(job.id, within_s=0.01) is None
            async with anyio.create_task_group() as group:
                group.start_soon(partial(audience.next_look, job.id, within_s=3600))
                await anyio.wait_all_tasks_blocked()
                audience.end()
        assert audience.over

    anyio.run(main)


def test_a_failure_of_what_is_done_each_second_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "_EACH_S", 0.001)
    calls = []

    async def main() -> None:
        done = anyio.Event()

        async def what() -> None:
            calls.append(1)
            if len(calls) < 3:
                raise ValueError("a text that may hold a secret")
            done.set()

        async with anyio.create_task_group() as group:
            group.start_soon(app._each_second, what)
            with anyio.fail_after(10):
                await done.wait()
            group.cancel_scope.cancel()

    with caplog.at_level(logging.ERROR, logger="dbsync.server"):
        anyio.run(main)
    messages = [record.getMessage() for record in caplog.records if record.name == "dbsync.server"]
    assert [message.partition(" at ")[0] for message in messages] == ["internal fault: ValueError"] * 2
    assert not any("secret" in message for message in messages)


def _fail(error: Exception, *_: object) -> None:
    raise error
