"""PURE: an outcome in Prometheus' text format, for node_exporter's textfile collector.

The time of the last success outlives runs that fail: it is carried over from the file that is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dbsync.outcome.facts import Outcome

_SUCCESS = "dbsync_sync_last_success_timestamp_seconds"
_OPERATIONS = ("inserted", "updated", "deleted")
Sample = tuple[Mapping[str, str], float]


def metrics_text(outcome: Outcome, previous: str = "") -> str:
    """Return the file's text; ``previous`` is what stood in it before."""
    succeeded = outcome.state == "succeeded" and outcome.exit_code == 0
    last = outcome.ended_at if succeeded else _last_success(previous, outcome.labels)
    families: list[tuple[str, str, list[Sample]]] = [
        ("dbsync_sync_last_run_timestamp_seconds", "When the last run ended.", [({}, outcome.ended_at)]),
        (_SUCCESS, "When a run last ended in success.", [({}, last)] if last is not None else []),
        ("dbsync_sync_last_run_success", "Whether the last run did all that was asked.", [({}, int(succeeded))]),
        ("dbsync_sync_last_run_exit_code", "The exit code of the last run.", [({}, outcome.exit_code)]),
        ("dbsync_sync_last_run_duration_seconds", "How long the last run took.", [({}, outcome.elapsed_s)]),
        (
            "dbsync_sync_last_run_rows",
            "Rows that the last run wrote.",
            [({"operation": name}, outcome.total(f"rows_{name}")) for name in _OPERATIONS],
        ),
        ("dbsync_sync_last_run_bytes", "Bytes that the last run copied.", [({}, outcome.total("bytes_copied"))]),
        (
            "dbsync_sync_last_run_tables",
            "Tables of the last run by the state they ended in.",
            [({"state": state}, count) for state, count in sorted(outcome.tables_by_state().items())],
        ),
        ("dbsync_sync_last_run_retries", "Repeated attempts.", [({}, int(outcome.result.get("retries") or 0))]),
    ]
    return "".join(line for name, about, samples in families for line in _family(name, about, samples, outcome.labels))


def _family(name: str, about: str, samples: list[Sample], labels: Mapping[str, str]) -> Iterable[str]:
    if samples:
        yield f"# HELP {name} {about}\n# TYPE {name} gauge\n"
        yield from (f"{name}{_labels({**labels, **own})} {_number(value)}\n" for own, value in samples)


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _last_success(text: str, labels: Mapping[str, str]) -> float | None:
    found = re.search(rf"^{re.escape(_SUCCESS + _labels(labels))} (\d+(?:\.\d+)?)$", text, re.MULTILINE)
    return float(found[1]) if found else None
