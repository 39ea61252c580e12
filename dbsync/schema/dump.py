"""PURE: two ``pg_dump --schema-only`` texts compared object by object: the second judge of a migration.

It knows nothing of snapshots: what pg_dump prints differently is different, but for the order of objects and
for the order of a table's columns, which no ALTER can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

_HEADER = re.compile(r"^-- (?:Data for )?Name: (.*); Type: (.*); Schema: (.*); Owner: ?(.*)$", re.MULTILINE)
_NOISE = re.compile(r"^(?:--.*|\\(?:un)?restrict .*|SET .*|SELECT pg_catalog\.set_config\(.*)$", re.MULTILINE)


def differing_objects(wanted: str, present: str) -> tuple[str, ...]:
    """Return the names of objects that the two dumps print differently, sorted."""
    first, second = (dict(_objects(text)) for text in (wanted, present))
    return tuple(sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key)))


def _objects(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each object's title with its statements; entries of one title stand together."""
    found: dict[str, list[str]] = {}
    headers = list(_HEADER.finditer(text))
    for header, following in zip_longest(headers, headers[1:]):
        body = text[header.end() : following.start() if following else len(text)]
        name, kind, schema, _ = header.groups()
        title = f"{kind.lower()} {schema}.{name}" if schema != "-" else f"{kind.lower()} {name}"
        lines = [line.rstrip() for line in _NOISE.sub("", body).splitlines() if line.strip()]
        if kind in ("TABLE", "FOREIGN TABLE"):
            lines = _in_any_order(lines)
        found.setdefault(title, []).append("\n".join(lines))
    for title, bodies in found.items():
        yield title, tuple(sorted(bodies))


def _in_any_order(lines: list[str]) -> list[str]:
    """Columns of a CREATE TABLE, one a line, in the order of their text and without the commas between them."""
    inside = sorted(line.removesuffix(",") for line in lines if line.startswith("    "))
    return [line for line in lines if not line.startswith("    ")] + inside
