"""Values as JSON: a type of JSON where there is one and JavaScript keeps it exactly, else the server's own text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SAFE_INTEGER = 2**53 - 1  # JavaScript counts exactly up to here
_WHOLE = frozenset({"int2", "int4", "int8", "oid", "smallint", "integer", "bigint"})
_FLOATING = frozenset({"float4", "float8", "real", "double precision"})
_TRUTH = frozenset({"bool", "boolean"})


def _whole(value: str) -> int | str:
    return number if abs(number := int(value)) <= _SAFE_INTEGER else value


def _floating(value: str) -> float | str:
    return real if math.isfinite(real := float(value)) else value


_SHOWN: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(_TRUTH, "t".__eq__),
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(_FLOATING, _floating),
}


def json_rows(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str | None]]) -> list[dict[str, Any]]:
    """Rows as objects by column; a name that comes twice gets a number, so that no value is lost."""
    names: list[str] = []
    for name, _ in columns:
        spelled, number = name, 2
        while spelled in names:
            spelled, number = f"{name}_{number}", number + 1
        names.append(spelled)
    shown = [_SHOWN.get(type_) for _, type_ in columns]
    return [
        {
            name: value if show is None or value is None else show(value)
            for name, show, value in zip(names, shown, row, strict=True)
        }
        for row in rows
    ]


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
