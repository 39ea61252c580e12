"""What ``schema`` tells about a database: its catalog, its fingerprint, the script that makes it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dbsync.model import Catalog, TableName
from dbsync.pg.database import Session
from dbsync.pg.reflect import one_snapshot, reflect
from dbsync.pg.reflect_ddl import read_ddl_facts
from dbsync.schema.ddl import ForeignKeys, Script, create_script
from dbsync.schema.fingerprint import fingerprint
from dbsync.schema.snapshot import read_snapshot
from dbsync.selection import select_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaReport:
    """The whole database, or what the patterns chose of it."""

    catalog: Catalog
    whole: bool
    fingerprint: str | None  # when asked for
    script: Script | None  # when asked for


def read_schema(
    session: Session,
    patterns: Sequence[str] = (),
    *,
    script: bool = False,
    foreign_keys: ForeignKeys = "with",
    hashed: bool = True,
) -> SchemaReport:
    """Reflect the database in one snapshot; raise ConfigError for a pattern that matches nothing."""
    with one_snapshot(session):
        catalog = reflect(session, inspector=False)
        facts = read_ddl_facts(session) if script else None
        snapshot = read_snapshot(session) if hashed else None
    chosen = select_catalog(catalog, patterns) if patterns else catalog
    return SchemaReport(
        catalog=chosen,
        whole=not patterns,
        fingerprint=fingerprint(snapshot, patterns) if snapshot else None,
        script=create_script(chosen, facts, whole=not patterns, foreign_keys=foreign_keys) if facts else None,
    )


def read_fingerprint(session: Session, patterns: Sequence[str] = ()) -> str:
    """Read what the fingerprint needs; raise ConfigError for a pattern that matches nothing."""
    with one_snapshot(session):
        if patterns:
            select_catalog(reflect(session, inspector=False), patterns)
        return fingerprint(read_snapshot(session), patterns)


def select_catalog(catalog: Catalog, patterns: Sequence[str]) -> Catalog:
    """Keep the relations, sequences, types and routines that a pattern names, and the sequences these tables use."""
    types = {TableName(type_.schema, type_.name): type_ for type_ in catalog.types}
    routines = {routine.name for routine in catalog.routines}
    names = {*catalog.tables, *catalog.sequences, *types, *routines}
    chosen = frozenset(select_tables(names, include=patterns, where=f"database {catalog.database}"))
    tables = {name: table for name, table in catalog.tables.items() if name in chosen}
    sequences = {
        name: sequence
        for name, sequence in catalog.sequences.items()
        if name in chosen
        or (sequence.owned_by and sequence.owned_by[0] in tables)
        or any(table in tables for table, _ in sequence.used_by)
    }
    return replace(
        catalog,
        schemas=tuple(schema for schema in catalog.schemas if any(name.schema == schema for name in chosen)),
        tables=tables,
        sequences=sequences,
        types=tuple(type_ for name, type_ in types.items() if name in chosen),
        routines=tuple(routine for routine in catalog.routines if routine.name in chosen),
        extensions={},
        large_objects=0,
    )
