"""Model values as plain dicts, lists and strings in a fixed order: the ground of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from dbsync.model import Table, TableName


def plain(value: Any, *, without: Mapping[type, frozenset[str]]) -> Any:
    """Return ``value`` with dataclasses as dicts, less the fields that ``without`` names for their class."""
    if isinstance(value, TableName):
        return {"schema": value.schema, "name": value.name}
    if is_dataclass(value) and not isinstance(value, type):
        left_out = without.get(type(value), frozenset())
        return {
            field.name: plain(getattr(value, field.name), without=without)
            for field in fields(value)
            if field.name not in left_out
        }
    if isinstance(value, Mapping):
        return [[plain(part, without=without) for part in item] for item in sorted(value.items())]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [plain(item, without=without) for item in value]
    return value


def in_order(tables: Mapping[TableName, Table]) -> list[Table]:
    """The relations by schema and name."""
    return [table for _, table in sorted(tables.items())]
