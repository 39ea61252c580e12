"""Names of tables as the frontend writes them: plain in ``public``, else ``schema.table``, quoted where odd."""

from __future__ import annotations

import re
from contextlib import suppress

from starlette.convertors import Convertor, register_url_convertor

from dbsync.errors import ConfigError
from dbsync.model import Catalog, Table, TableName
from dbsync.server.faults import Fault

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?\Z")
_NEEDS_QUOTES = re.compile(r'[".]')


class _TableInPath(Convertor[str]):
    """A table's name in a path: it may hold slashes and, unlike Starlette's own ``path``, line ends."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("table", _TableInPath())


def wire_name(name: TableName) -> str:
    """The name on the wire; ``table_named`` reads it back."""
    table = _part(name.name)
    return table if name.schema == "public" else f"{_part(name.schema)}.{table}"


def table_named(text: str, catalog: Catalog) -> Table:
    """The table of that name. Raises Fault 404, or 400 for what could not be one of the frontend's names either."""
    with suppress(ConfigError):
        if (found := catalog.tables.get(TableName.parse(text))) is not None:
            return found
    raise Fault(404, "Table not found") if _PLAIN.match(text) else Fault(400, "Invalid table name")


def pattern_of(name: TableName) -> str:
    """The name as a pattern of tables that means this one and no other."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in (name.schema, name.name))


def pattern_named(text: str) -> str:
    """A name on the wire as a pattern that means this one and no other. Raises Fault 400."""
    try:
        return pattern_of(TableName.parse(text))
    except ConfigError:
        raise Fault(400, "Invalid table name") from None


def _part(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
