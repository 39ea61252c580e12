"""A connection as a row of the store, as the text that is sealed, and as a DatabaseUrl. PURE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dbsync.registry.model import Connection, Labels
from dbsync.urls import DatabaseUrl


def payload_of(url: DatabaseUrl) -> str:
    """What is sealed: the parameters, or the name of an embedded server, whose port and password change."""
    reference = url.name if url.local and url.name.startswith("local:") else None
    facts: Mapping[str, Any] = {
        "reference": reference,
        "parameters": {} if reference is not None else url.parameters(),
        "name": url.name,
        "configured_as": url.configured_as,
    }
    return json.dumps(facts, sort_keys=True)


def labelled(url: DatabaseUrl, connection: Connection, payload: Mapping[str, Any]) -> DatabaseUrl:
    """Return the URL as the guards want it: with the record's labels and the name to confirm."""
    return replace(
        url,
        environment=connection.labels.environment,
        protected=connection.labels.protected,
        read_only=connection.labels.read_only,
        configured_as=connection.name or payload["configured_as"],
        connection_id=connection.id,
    )


def labels_of(url: DatabaseUrl) -> Labels:
    """Return the guards that hold for a URL that was given."""
    return Labels(environment=url.environment, protected=url.protected, read_only=url.read_only)


def columns_of(labels: Labels) -> dict[str, Any]:
    """Return the labels as columns of a row."""
    return {
        "environment": labels.environment,
        "protected": labels.protected,
        "read_only": labels.read_only,
        "keep_alive": labels.keep_alive,
    }


def connection_of(row: Mapping[Any, Any]) -> Connection:
    """Return a row as a connection."""
    labels = Labels(**{name: row[name] for name in ("environment", "protected", "read_only", "keep_alive")})
    facts = ("id", "owner", "name", "version", "key_id", "created_at", "updated_at", "last_pinged_at", "sealed")
    return Connection(labels=labels, **{name: row[name] for name in facts})
