"""PURE: what a job is, the states it can be in, and which change of state is allowed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

from dbsync.data.option_records import from_record, to_record
from dbsync.data.options import SyncOptions
from dbsync.errors import InvalidTransition
from dbsync.registry.model import LOCAL_OWNER as LOCAL_OWNER

RUN_ID_LENGTH = 12  # a job's first run has the first letters of the job's id


class JobState(StrEnum):
    """Where a job stands. ``PAUSING`` and ``STOPPING``: asked for, and not yet acknowledged by who runs it."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_S = JobState
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    _S.CREATED: frozenset({_S.QUEUED, _S.RUNNING, _S.STOPPED}),
    _S.QUEUED: frozenset({_S.RUNNING, _S.PAUSED, _S.STOPPED}),
    # back to the queue: who ran it is gone, or gave it back
    _S.RUNNING: frozenset({_S.PAUSING, _S.STOPPING, _S.QUEUED, _S.STOPPED, _S.SUCCEEDED, _S.FAILED}),
    # an order may come too late, or meet a failure
    _S.PAUSING: frozenset({_S.PAUSED, _S.STOPPING, _S.STOPPED, _S.SUCCEEDED, _S.FAILED}),
    _S.PAUSED: frozenset({_S.QUEUED, _S.STOPPED}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.SUCCEEDED, _S.FAILED}),
    _S.STOPPED: frozenset({_S.QUEUED}),
    _S.FAILED: frozenset({_S.QUEUED}),
    _S.SUCCEEDED: frozenset(),
}
HELD = frozenset({_S.RUNNING, _S.PAUSING, _S.STOPPING})  # somebody has a lease on it
ENDED = frozenset({_S.STOPPED, _S.SUCCEEDED, _S.FAILED})
RESTING = ENDED | {_S.PAUSED}  # nothing happens until somebody asks for it


def check_transition(now: JobState, to: JobState) -> None:
    """Raise InvalidTransition unless a job may go from ``now`` to ``to``."""
    if to not in TRANSITIONS[now]:
        raise InvalidTransition(now, to, sorted(TRANSITIONS[now]))


def settled(now: JobState, to: JobState) -> JobState:
    """Where an attempt's end leads that meets an order nobody has acknowledged: the order holds.

    A job that was to be tried again is not, when it was to pause or stop; one that paused is stopped, when that
    was the later order.
    """
    if now is JobState.STOPPING and to in (JobState.QUEUED, JobState.PAUSED):
        return JobState.STOPPED
    if now is JobState.PAUSING and to is JobState.QUEUED:
        return JobState.PAUSED
    return to


def new_job_id(run_id: str | None = None) -> str:
    """Return a UUIDv4 that begins with the run's id, so that a person can name either by the same letters."""
    random = uuid.uuid4().hex
    return str(uuid.UUID(hex=(run_id or random[:RUN_ID_LENGTH]) + random[RUN_ID_LENGTH:]))


def new_run_id() -> str:
    """An id for a run of its own, as the ledger has them."""
    return uuid.uuid4().hex[:RUN_ID_LENGTH]


def first_run_id(job_id: str) -> str:
    """The id that the job's first run has in the target's ledger."""
    return job_id.replace("-", "")[:RUN_ID_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a job does: the options of the sync, and what was agreed to when it was made. Never a URL.

    ``timeout_s``: the time limit of each attempt, in seconds.
    """

    options: SyncOptions
    agreed: bool = False  # --yes, or a yes at the prompt
    confirmed: str | None = None  # the name of the target that was typed
    timeout_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe data."""
        return {
            "options": to_record(self.options),
            "agreed": self.agreed,
            "confirmed": self.confirmed,
            "timeout_s": self.timeout_s,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> JobSpec:
        """Read what ``to_dict`` made. Raises Refused for options of a newer dbsync."""
        return cls(
            options=from_record(data["options"]),
            agreed=data["agreed"],
            confirmed=data["confirmed"],
            timeout_s=data["timeout_s"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the store has it. Times are seconds since 1970 by the store's clock."""

    id: str
    owner: str
    name: str | None
    origin: str
    source_id: str
    target_id: str
    source_name: str
    target_name: str
    spec: Mapping[str, Any]
    plan: Mapping[str, Any] | None
    state: JobState
    priority: int
    attempts: int
    run_id: str | None
    lease_owner: str | None
    lease_until: float | None
    not_before: float | None
    created_at: float
    updated_at: float
    started_at: float | None
    ended_at: float | None
    events: int
    error: Mapping[str, Any] | None
    result: Mapping[str, Any] | None

    def read_spec(self) -> JobSpec:
        """What the job does."""
        return JobSpec.from_dict(self.spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a job: a run of its own in the target's ledger."""

    job_id: str
    number: int
    run_id: str
    worker: str
    started_at: float
    ended_at: float | None
    state: str
    error: Mapping[str, Any] | None


# Kind `state`; a class cannot have a member called "from".
StateFacts = TypedDict("StateFacts", {"from": JobState | None, "to": JobState, "error": NotRequired[Mapping[str, Any]]})


class ProgressFacts(TypedDict):
    """Kind ``progress``: how far the whole job is."""

    rows: int
    bytes: int
    rows_expected: int
    bytes_expected: int
    tables: int
    tables_finished: int
    share: float
    bytes_per_second: int
    seconds_left: float | None
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """A fact about a job, numbered from 1. ``level`` (info, warn, error): people read it; None: progress."""

    number: int
    at: float
    attempt: int
    kind: str
    level: str | None
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe data."""
        return {
            "number": self.number,
            "at": self.at,
            "attempt": self.attempt,
            "event": self.kind,
            "level": self.level,
            **self.data,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTable:
    """One table of a job: its state (waiting, running, done, failed, stopped) and the newest figures about it."""

    name: str
    position: int
    state: str
    facts: Mapping[str, Any]
