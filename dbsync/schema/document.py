"""The catalog as a JSON-safe document, in a fixed order, without oids and positions."""

from __future__ import annotations

from typing import Any

from dbsync.model import Catalog, ColumnType, ForeignKey, Routine, Sequence, Table
from dbsync.schema.plain import in_order, plain

_LEFT_OUT: dict[type, frozenset[str]] = {
    Table: frozenset({"oid", "name", "columns", "pages"}),
    ForeignKey: frozenset({"table", "equals"}),
    Sequence: frozenset({"oid", "name"}),
    Routine: frozenset({"oid", "name"}),
}


def document(catalog: Catalog) -> dict[str, Any]:
    """Return everything in the catalog; sizes are bytes, a row estimate of -1 is unknown."""
    return {
        "database": catalog.database,
        "server_version": catalog.server_version,
        "encoding": catalog.encoding,
        "schemas": sorted(catalog.schemas),
        "extensions": [{"name": name, "version": version} for name, version in sorted(catalog.extensions.items())],
        "tables": [_table(catalog, table) for table in in_order(catalog.tables)],
        "sequences": [
            {"schema": name.schema, "name": name.name} | _plain(sequence)
            for name, sequence in sorted(catalog.sequences.items())
        ],
        "types": [_type(type_) for type_ in catalog.types],
        "routines": [
            {"schema": routine.name.schema, "name": routine.name.name} | _plain(routine) for routine in catalog.routines
        ],
        "large_objects": catalog.large_objects,
    }


def _table(catalog: Catalog, table: Table) -> dict[str, Any]:
    names: dict[str, Any] = {"schema": table.name.schema, "name": table.name.name}
    columns = [
        {
            "name": column.name,
            "type": column.type.text,
            "nullable": column.nullable,
            "default": column.default,
            "generated": column.generated or None,
            "generation": column.generation,
            "identity": column.identity or None,
            "collation": column.collation,
            "comment": column.comment,
            "readable": column.readable,
        }
        for column in table.columns
    ]
    reads = {"reads": _plain(catalog.matview_depends.get(table.name, ()))} if table.kind == "matview" else {}
    names |= {"kind": table.kind, "columns": columns} | _plain(table) | reads
    return names


def _type(type_: ColumnType) -> dict[str, Any]:
    return {
        "schema": type_.schema,
        "name": type_.name,
        "kind": type_.kind,
        "definition": list(type_.definition),
        "extension": type_.extension,
    }


def _plain(value: Any) -> Any:
    return plain(value, without=_LEFT_OUT)
