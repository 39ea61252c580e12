"""Rows of the older ``connections`` table, from a file: a JSON array, JSON lines or CSV with a header. PURE.

Column names may be spelt as in the database (``encrypted_url``) or as in the frontend (``encryptedUrl``).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbsync.errors import ConfigError

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TRUE = frozenset({"true", "t", "1", "yes", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderRow:
    """One row; ``number`` counts from 1, for messages."""

    number: int
    id: str | None
    user_id: str | None
    name: str
    encrypted_url: str = field(repr=False)
    environment: str | None
    keep_alive: bool


def parse_rows(text: str) -> tuple[OlderRow, ...]:
    """Read the rows of a file. Raises ConfigError with the number of the row, and repeats nothing of it."""
    return rows_of(_records(text.removeprefix("\ufeff")))


def rows_of(records: Iterator[Mapping[str, Any]]) -> tuple[OlderRow, ...]:
    """Read rows that are names and values already."""
    return tuple(_row(number, record) for number, record in enumerate(records, 1))


def _records(text: str) -> Iterator[Mapping[str, Any]]:
    start = text.lstrip()[:1]
    if start == "[":
        yield from _json(text, "the file")
    elif start == "{":
        lines = (line for line in text.splitlines() if line.strip())
        yield from (_json(line, f"row {number}") for number, line in enumerate(lines, 1))
    else:
        yield from csv.DictReader(io.StringIO(text))


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _unusable(what, "is not JSON") from None


def _row(number: int, record: object) -> OlderRow:
    if not isinstance(record, Mapping):
        raise _unusable(f"row {number}", "is not an object")
    values = {_CAPITAL.sub("_", str(name)).lower(): value for name, value in record.items() if name}
    if not values.get("encrypted_url"):
        raise _unusable(f"row {number}", "has no encrypted_url")
    return OlderRow(
        number=number,
        id=_text(values.get("id")),
        user_id=_text(values.get("user_id")),
        name=_text(values.get("name")) or f"connection {number}",
        encrypted_url=str(values["encrypted_url"]),
        environment=_text(values.get("environment")),
        keep_alive=str(values.get("keep_alive")).lower() in _TRUE,
    )


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def _unusable(what: str, reason: str) -> ConfigError:
    return ConfigError(
        f"{what} {reason}", hint="a JSON array, JSON lines or CSV with the columns of the older table connections"
    )
