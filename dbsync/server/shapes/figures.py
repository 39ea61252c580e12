"""What administrators see: users, jobs and events of everybody as rows, and series by day for charts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dbsync.jobs.presence import Presence
from dbsync.server.core import Core
from dbsync.server.shapes.jobs import STATES, STATUS
from dbsync.server.times import iso, now
from dbsync.store import Store, figures
from dbsync.store.figures import DAY_S, Row, date_of

Json = dict[str, Any]
Severity = Literal["low", "medium", "high", "critical"]
SeriesType = Literal["user-growth", "sync-performance", "api-usage", "error-trends", "top-users", "top-connections"]
_SEVERITY: Mapping[str, Severity] = {"done": "low", "stopped": "low", "failed": "medium", "refused": "high"}
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    severity: tuple(outcome for outcome, told in _SEVERITY.items() if told == severity) or ("none",)
    for severity in ("low", "medium", "high", "critical")
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def user_row(row: Row) -> Json:
    """One owner."""
    return {
        "userId": row["owner"],
        "firstSeen": iso(row["first_seen"]),
        "lastActivity": iso(row["last_activity"]),
        "connectionCount": row["connections"],
        "syncJobCount": row["jobs"],
        "sessionCount": row["streams"],
    }


def job_row(row: Row) -> Json:
    """One job as the frontend's table has it."""
    options = json.loads(row["spec"])["options"]
    return {
        "id": row["id"],
        "user_id": row["owner"],
        "source_connection_id": row["source_id"],
        "target_connection_id": row["target_id"],
        "source_name": row["source_name"],
        "target_name": row["target_name"],
        "direction": "one_way",
        "status": STATUS[row["state"]],
        "state": row["state"],
        "tables_config": [{"tableName": name, "enabled": True} for name in options.get("tables", [])],
        "attempts": row["attempts"],
        "error": json.loads(row["error"])["message"] if row["error"] else None,
        "started_at": iso(row["started_at"]),
        "completed_at": iso(row["ended_at"]),
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
    }


def event_row(row: Row) -> Json:
    """One entry of the audit log. Addresses of callers are not kept."""
    return {
        "id": str(row["number"]),
        "event_type": row["action"],
        "severity": _SEVERITY.get(row["outcome"], "low"),
        "outcome": row["outcome"],
        "user_id": row["owner"],
        "actor": row["actor"],
        "subject": row["subject"],
        "ip_address": None,
        "metadata": json.loads(row["facts"]),
        "created_at": iso(row["at"]),
    }


def overview(core: Core, at: float) -> Json:
    """Everything at a glance."""
    store = core.store
    people, states = figures.owner_counts(store, at), figures.job_counts(store)
    last_day = figures.job_counts(store, since=at - DAY_S)
    by_status = {status: sum(states.get(state, 0) for state in told) for status, told in STATES.items()}
    total = sum(states.values())
    duration = figures.mean_duration(store)
    return {
        "overview": {
            "totalUsers": people["total"],
            "totalConnections": figures.connection_count(store),
            "totalSyncJobs": total,
            "activeJobs": by_status["running"],
        },
        "syncStats": {
            **by_status,
            "total": total,
            "successRate": round(100 * by_status["completed"] / total, 1) if total else None,
            "averageDurationSeconds": round(duration, 1) if duration is not None else None,
            "last24h": sum(last_day.values()),
        },
        "userActivity": {
            "newUsers24h": people["new_24h"],
            "newUsers7d": people["new_7d"],
            "newUsers30d": people["new_30d"],
            "active24h": people["active_24h"],
            "activeNow": people["active_now"],
        },
        "systemHealth": {"status": "healthy", "workers": len(Presence(store).alive()), "store": store.place.name},
        "generatedAt": now(),
    }


def all_series(store: Store, since: float, until: float) -> Json:
    """Every series, under the names of the page that draws them."""
    names: Mapping[str, SeriesType] = {
        "userGrowth": "user-growth", "syncPerformance": "sync-performance", "apiUsage": "api-usage",
        "errorTrends": "error-trends", "topUsers": "top-users", "topConnections": "top-connections",
    }  # fmt: skip
    return {name: {"data": series(store, kind, since, until)} for name, kind in names.items()}


def series(store: Store, kind: SeriesType, since: float, until: float) -> list[Json]:
    """One series: by day, or the busiest first."""
    if kind in ("top-users", "top-connections"):
        rows = figures.busiest(store, since)[0 if kind == "top-users" else 1]
        return [{"date": date_of(until), "value": row["value"], "label": row["label"]} for row in rows]
    days = [date_of(at) for at in range(int(since), int(until) + 1, DAY_S)]
    if kind == "user-growth":
        before = sum(figures.new_owners_by_day(store, 0, since).values())
        return _cumulated(days, figures.new_owners_by_day(store, since, until), before)
    if kind == "sync-performance":
        made = figures.jobs_by_day(store, since, until)
        good = figures.jobs_by_day(store, since, until, ("succeeded",))
        return [
            {"date": day, "value": round(100 * good.get(day, 0) / made[day], 1) if day in made else 0,
             "label": f"{good.get(day, 0)} of {made.get(day, 0)} succeeded"}
            for day in days
        ]  # fmt: skip
    counted = (figures.errors_by_day if kind == "error-trends" else figures.actions_by_day)(store, since, until)
    what = "errors" if kind == "error-trends" else "actions"
    return [{"date": day, "value": counted.get(day, 0), "label": f"{counted.get(day, 0)} {what}"} for day in days]


def _cumulated(days: Sequence[str], new: Mapping[str, int], total: int) -> list[Json]:
    found = []
    for day in days:
        total += new.get(day, 0)
        found.append({"date": day, "value": total, "label": f"{total} users"})
    return found


def csv_text(rows: Sequence[Json]) -> str:
    """Rows for a spreadsheet: what it would take for a formula is marked as text."""
    file = io.StringIO()
    names = list(rows[0]) if rows else []
    writer = csv.writer(file)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
    return file.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text
