"""One hash for the structure of a database: equal structures give equal fingerprints on any server.

Left out: what an extension owns, oids, positions with their gaps, sizes, estimates, owners, rights,
tablespaces, and whether a materialised view is populated. A field added to the model counts by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

from dbsync.model import Catalog, Column, ColumnType, ForeignKey, Index, Routine, Sequence, Table, TableName
from dbsync.schema.plain import in_order, plain

_LEFT_OUT: dict[type, frozenset[str]] = {
    Table: frozenset(
        {"oid", "owner", "keys", "rls_active", "populated", "row_estimate", "pages", "size", "index_size", "privileges"}
    ),
    ForeignKey: frozenset({"equals"}),
    Column: frozenset({"position", "readable", "deterministic"}),
    ColumnType: frozenset({"oid", "typmod"}),
    Index: frozenset({"size", "tablespace"}),
    Sequence: frozenset({"oid", "privileges"}),
    Routine: frozenset({"oid"}),
}


def fingerprint(catalog: Catalog, tables: Collection[TableName] | None = None) -> str:
    """Return the sha256 of the whole structure, or of the given tables and the sequences they use."""
    structure = _whole(catalog) if tables is None else _part(catalog, frozenset(tables))
    text = json.dumps(structure, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _whole(catalog: Catalog) -> dict[str, Any]:
    own = (catalog.types, catalog.routines, [sequence for _, sequence in sorted(catalog.sequences.items())])
    types, routines, sequences = ([_plain(item) for item in kind if item.extension is None] for kind in own)
    return {
        "schemas": sorted(catalog.schemas),
        "extensions": sorted(catalog.extensions.items()),
        "types": types,
        "routines": routines,
        "sequences": sequences,
        "tables": [_plain(table) for table in in_order(catalog.tables) if table.extension is None],
    }


def _part(catalog: Catalog, tables: frozenset[TableName]) -> dict[str, Any]:
    sequences = [
        sequence
        for _, sequence in sorted(catalog.sequences.items())
        if (sequence.owned_by and sequence.owned_by[0] in tables)
        or any(table in tables for table, _ in sequence.used_by)
    ]
    return {
        "tables": [_plain(table) for table in in_order(catalog.tables) if table.name in tables],
        "sequences": [_plain(sequence) for sequence in sequences],
    }


def _plain(value: Any) -> Any:
    return plain(value, without=_LEFT_OUT)
