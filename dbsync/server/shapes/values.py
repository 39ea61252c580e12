"""Values as JSON: a type of JSON where there is one and JavaScript keeps it exactly, else the server's own text."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

_SAFE_INTEGER = 2**53 - 1  # JavaScript counts exactly up to here
_WHOLE = frozenset({"int2", "int4", "int8", "oid", "smallint", "integer", "bigint"})
_FLOATING = frozenset({"float4", "float8", "real", "double precision"})
_TRUTH = frozenset({"bool", "boolean"})


def json_rows(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str | None]]) -> list[dict[str, Any]]:
    """Rows as objects by column; a name that comes twice gets a number, so that no value is lost."""
    names: list[str] = []
    for name, _ in columns:
        spelled, number = name, 2
        while spelled in names:
            spelled, number = f"{name}_{number}", number + 1
        names.append(spelled)
    types = [type_ for _, type_ in columns]
    return [
        {name: json_value(type_, value) for name, type_, value in zip(names, types, row, strict=True)} for row in rows
    ]


def json_value(type_name: str, value: str | None) -> Any:
    """One value of a type, named as in pg_type or as in SQL."""
    if value is None:
        return None
    if type_name in _TRUTH:
        return value == "t"
    if type_name in _WHOLE:
        return number if abs(number := int(value)) <= _SAFE_INTEGER else value
    if type_name in _FLOATING and math.isfinite(real := float(value)):
        return real
    return value


def text_of(value: Any, *, is_array: bool = False) -> str | None:
    """A value of JSON as the server's text: lists are arrays where the column is one, else JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and is_array:
        return "{" + ",".join(map(_element, value)) + "}"
    return json.dumps(value, ensure_ascii=False)


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return text_of(value, is_array=True) or ""
    text = text_of(value) or ""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
