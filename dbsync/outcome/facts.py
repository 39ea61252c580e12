"""PURE: how a run ended, as one value that holds no secret: names, numbers, code words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

STATES = ("succeeded", "failed", "stopped", "skipped")
_STOPPED = (7, 130, 143)
_UNENDED = ("created", "queued", "running", "pausing", "stopping")  # of a job


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run, ended. ``labels`` tell which: the sync's name, else both ends as they were typed, masked."""

    labels: Mapping[str, str]
    exit_code: int
    started_at: float
    ended_at: float
    result: Mapping[str, Any] = field(default_factory=dict)  # as the JSON document has it; {}: it did not get that far
    error: Mapping[str, Any] | None = None  # code, message, hint

    @property
    def title(self) -> str:
        """What was run, in words."""
        if "sync" in self.labels:
            return self.labels["sync"]
        return " to ".join(self.labels[end] for end in ("source", "target") if end in self.labels) or "sync"

    @property
    def state(self) -> str:
        """One of STATES; also of a run that never began."""
        state = self.result.get("state")
        if state in STATES:
            return str(state)
        if self.exit_code in _STOPPED:
            return "stopped"
        return "failed" if self.exit_code else "succeeded"

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended at all: whoever watched it has looked away."""
        return self.result.get("state") in _UNENDED

    @property
    def elapsed_s(self) -> float:
        """How long it took."""
        return max(self.ended_at - self.started_at, 0.0)

    @property
    def tables(self) -> Sequence[Mapping[str, Any]]:
        """The tables, as the result has them."""
        return self.result.get("tables") or ()

    def total(self, name: str) -> int:
        """A sum over all tables; 0 for a run that did not get that far."""
        return int((self.result.get("totals") or {}).get(name, 0))

    def tables_by_state(self) -> dict[str, int]:
        """How many tables ended in which state."""
        return dict(Counter(str(table["state"]) for table in self.tables))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data: what ``--on-failure`` gets."""
        return {
            "schema": "dbsync/outcome@1",
            **{name: self.labels.get(name) for name in ("sync", "source", "target")},
            "run_id": self.result.get("run_id"),
            "state": self.state,
            "exit_code": self.exit_code,
            "error": self.error,
            "started_at": timestamp(self.started_at),
            "ended_at": timestamp(self.ended_at),
            "elapsed_s": round(self.elapsed_s, 3),
            "totals": dict(self.result.get("totals") or {}),
            "tables": [{"table": table["table"], "state": table["state"]} for table in self.tables],
        }


def timestamp(seconds: float) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
