"""Saved connections as JSON and as text. A URL is shown without its password."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbsync.cli.tables import text_table
from dbsync.cli.terminal import escape
from dbsync.errors import DbsyncError
from dbsync.registry import Connection, Registry
from dbsync.registry.keep_alive import PastPing, Ping


def facts(registry: Registry, connection: Connection) -> dict[str, Any]:
    """What may be told of a connection."""
    labels = connection.labels
    url, error = _shown(registry, connection)
    return {
        "id": connection.id,
        "name": connection.name,
        "url": url,
        "environment": labels.environment,
        "protected": labels.protected,
        "read_only": labels.read_only,
        "keep_alive": labels.keep_alive,
        "created_at": moment(connection.created_at),
        "updated_at": moment(connection.updated_at),
        "last_pinged_at": moment(connection.last_pinged_at),
        "error": error,
    }


def _shown(registry: Registry, connection: Connection) -> tuple[str | None, str | None]:
    """The URL without its password, or the code of the error that hides it."""
    try:
        found = registry.shown(connection)
    except DbsyncError as error:
        return None, error.code
    return (found.dbname if found.local else found.redacted()), None


def moment(seconds: float | None) -> str | None:
    """A time of the store as ISO 8601 in UTC."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def summary(found: Mapping[str, Any]) -> str:
    """A connection in one line: name, place, labels."""
    labels = ", ".join(_labels(found))
    return f"{escape(found['name'] or found['id'])}: {escape(_place(found))}" + (f" ({labels})" if labels else "")


def listing(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A table of connections."""
    if not found:
        yield "no connection is saved\n"
        return
    rows = [(each["name"], _place(each), ", ".join(_labels(each)), each["last_pinged_at"] or "") for each in found]
    yield from text_table(("name", "database", "labels", "last pinged"), rows)


def past_pings(pings: Sequence[PastPing]) -> list[dict[str, Any]]:
    """The history for JSON."""
    return [{"at": moment(p.at), "ok": p.ok, "duration_ms": p.duration_ms, "error": p.error} for p in pings]


def details(found: Mapping[str, Any]) -> Iterator[str]:
    """One connection, a fact in each line, and its last pings."""
    yield f"{escape(found['name'] or found['id'])}\n"
    pairs = {"database": _place(found), "labels": ", ".join(_labels(found)) or "none"}
    for name in ("id", "created_at", "updated_at", "last_pinged_at"):
        pairs[name.replace("_at", "").replace("_", " ")] = found[name] or "never"
    for name, value in pairs.items():
        yield f"  {name:12} {escape(value)}\n"
    for ping in found["pings"]:
        yield f"  {ping['at']}  {'ok' if ping['ok'] else escape(ping['error'])}  {ping['duration_ms']:.0f} ms\n"


def answered(ping: Ping) -> dict[str, Any]:
    """One answer to keep-alive for JSON."""
    error = ping.error
    return {
        "id": ping.connection.id,
        "name": ping.connection.name,
        "owner": ping.connection.owner,
        "ok": error is None,
        "tries": ping.tries,
        "duration_ms": ping.duration_ms,
        "error": {"code": error.code, "message": error.message, "hint": error.hint} if error else None,
    }


def answer_line(found: Mapping[str, Any]) -> str:
    """One answer to keep-alive in a line."""
    name = escape(found["name"] or found["id"])
    if found["ok"]:
        return f"{name}: ok, {found['duration_ms']:.0f} ms\n"
    tries = f" after {found['tries']} tries" if found["tries"] > 1 else ""
    return f"{name}: {escape(found['error']['message'])}{tries}\n"


def _place(found: Mapping[str, Any]) -> str:
    return found["url"] or f"cannot be opened: {found['error']}"


def _labels(found: Mapping[str, Any]) -> Iterator[str]:
    if found["environment"]:
        yield found["environment"]
    yield from (name.replace("_", "-") for name in ("protected", "read_only", "keep_alive") if found[name])
