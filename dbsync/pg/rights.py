"""What a role lacks for what it is to do: every missing right of every table at once, with the GRANT that gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dbsync.model import TableName, quote_identifier
from dbsync.pg.checks import Check
from dbsync.pg.database import Session
from dbsync.pg.sql import load

Purpose = Literal["read", "write", "sync", "migrate"]
_SQL = load("diagnose")
_LONGEST_LIST = 100
# What each purpose needs of a table; an owner has it all.
_NEEDED: dict[Purpose, tuple[str, ...]] = {
    "read": ("SELECT",),
    "write": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "sync": ("SELECT", "INSERT"),
    "migrate": ("SELECT",),
}


@dataclass(frozen=True, slots=True)
class DatabaseRights:
    """What the role may do in the database itself."""

    name: str
    create: bool
    temporary: bool


@dataclass(frozen=True, slots=True)
class _Table:
    name: TableName
    kind: str  # r, p, m
    usage: bool
    privileges: frozenset[str]
    owned: bool
    schema_create: bool
    filtered: bool


@dataclass(frozen=True, slots=True)
class _Sequence:
    name: TableName
    usage: bool
    privileges: frozenset[str]


def check_rights(
    session: Session, purpose: Purpose, *, role: str, on_database: DatabaseRights
) -> tuple[list[Check], int]:
    """Return one check per kind of right, and the number of tables."""
    tables = [
        _Table(TableName(schema, name), kind, usage, frozenset(privileges), owned, create, filtered)
        for schema, name, kind, usage, privileges, owned, create, filtered in session.execute(_SQL["tables"])
    ]
    sequences = [
        _Sequence(TableName(schema, name), usage, frozenset(privileges))
        for schema, name, usage, privileges in session.execute(_SQL["sequences"])
    ]
    grantee = quote_identifier(role)
    checks = [_schemas(tables, grantee)]
    checks += [_tables(tables, right, grantee) for right in _NEEDED[purpose]]
    if purpose == "sync":
        checks += [_changing(tables, on_database, grantee), _replacing(tables, grantee)]
    checks.append(_row_security(tables, grantee))
    checks.append(_sequences(sequences, ("SELECT", "UPDATE") if purpose == "sync" else ("SELECT",), grantee))
    if purpose in ("sync", "migrate"):
        checks.append(_ownership(tables, grantee, needed=purpose == "migrate"))
    if purpose == "migrate":
        checks.append(_creation(tables, on_database, grantee))
    return checks, sum(table.kind != "m" for table in tables)


def _schemas(tables: Sequence[_Table], role: str) -> Check:
    lacking = sorted({table.name.schema for table in tables if not table.usage})
    return _verdict(
        "schemas", "USAGE on every schema", lacking, f"GRANT USAGE ON SCHEMA {_identifiers(lacking)} TO {role}"
    )


def _tables(tables: Sequence[_Table], right: str, role: str) -> Check:
    # Views of stored rows are only read.
    concerned = [table for table in tables if right == "SELECT" or table.kind != "m"]
    lacking = _without(concerned, lambda table: right in table.privileges)
    schemas = _identifiers(sorted({table.name.schema for table in lacking}))
    return _verdict(
        right.lower(),
        f"{right} on {_count(len(concerned), 'table')}",
        [str(table.name) for table in lacking],
        f"GRANT {right} ON ALL TABLES IN SCHEMA {schemas} TO {role}",
    )


def _changing(tables: Sequence[_Table], database: DatabaseRights, role: str) -> Check:
    """Write what differs into tables that hold rows; filling empty tables, appending and replacing need neither."""
    lacking = _without(
        (each for each in tables if each.kind != "m"), lambda each: each.owned or "UPDATE" in each.privileges
    )
    grants, missing = [], []
    if lacking:
        schemas = _identifiers(sorted({table.name.schema for table in lacking}))
        grants.append(f"GRANT UPDATE ON ALL TABLES IN SCHEMA {schemas} TO {role}")
        missing.append(f"lacking on {_listed([str(table.name) for table in lacking])}")
    if not database.temporary:
        grants.append(f"GRANT TEMPORARY ON DATABASE {quote_identifier(database.name)} TO {role}")
        missing.append("no temporary tables")
    if not missing:
        return Check("update", ok=True, detail="every table that holds rows can be changed")
    return Check(
        "update",
        ok=True,
        detail=f"{'; '.join(missing)}: tables that hold rows would be refused but for --mode append or replace",
        hint="; ".join(grants),
    )


def _replacing(tables: Sequence[_Table], role: str) -> Check:
    """Empty what is there: by TRUNCATE as the owner, by DELETE else; filling empty tables needs neither."""
    lacking = _without(
        (each for each in tables if each.kind != "m"), lambda each: each.owned or "DELETE" in each.privileges
    )
    if not lacking:
        return Check("delete", ok=True, detail="every table can be emptied by --mode replace")
    schemas = _identifiers(sorted({table.name.schema for table in lacking}))
    return Check(
        "delete",
        ok=True,
        detail=f"lacking on {_listed([str(table.name) for table in lacking])}: --mode replace would be refused",
        hint=f"GRANT DELETE ON ALL TABLES IN SCHEMA {schemas} TO {role}",
    )


def _row_security(tables: Sequence[_Table], role: str) -> Check:
    lacking = _without(tables, lambda table: not table.filtered)
    return _verdict(
        "row security",
        "no policy hides rows",
        [str(table.name) for table in lacking],
        f"use the tables' owner, or ALTER ROLE {role} BYPASSRLS",
    )


def _sequences(sequences: Sequence[_Sequence], needed: tuple[str, ...], role: str) -> Check:
    lacking = [each for each in sequences if not (each.usage and each.privileges >= set(needed))]
    schemas = _identifiers(sorted({each.name.schema for each in lacking}))
    return _verdict(
        "sequences",
        f"{' and '.join(needed)} on {_count(len(sequences), 'sequence')}",
        [str(each.name) for each in lacking],
        f"GRANT {', '.join(needed)} ON ALL SEQUENCES IN SCHEMA {schemas} TO {role}",
    )


def _ownership(tables: Sequence[_Table], role: str, *, needed: bool) -> Check:
    """Own what shall be altered; a sync goes on without, by DELETE and INSERT and with triggers on."""
    lacking = _without(tables, lambda table: table.owned)
    if needed or not lacking:
        return _verdict(
            "ownership",
            f"owner of {_count(len(tables), 'table')}",
            [str(table.name) for table in lacking],
            f"GRANT the owner's role TO {role}, or use it",
        )
    return Check(
        "ownership",
        ok=True,
        detail=f"not the owner of {_listed([str(table.name) for table in lacking])}: a sync then uses DELETE and"
        " INSERT, cannot switch triggers off, and refreshes no materialised view",
    )


def _creation(tables: Sequence[_Table], database: DatabaseRights, role: str) -> Check:
    lacking = sorted({table.name.schema for table in tables if not table.schema_create})
    grants = [f"GRANT CREATE ON SCHEMA {_identifiers(lacking)} TO {role}"] if lacking else []
    if not database.create:
        lacking.insert(0, "the database")
        grants.insert(0, f"GRANT CREATE ON DATABASE {quote_identifier(database.name)} TO {role}")
    return _verdict("create", "CREATE in the database and every schema", lacking, "; ".join(grants))


def _without(tables: Iterable[_Table], has: Callable[[_Table], bool]) -> list[_Table]:
    return [table for table in tables if not has(table)]


def _verdict(name: str, wanted: str, lacking: Sequence[Any], fix: str) -> Check:
    if not lacking:
        return Check(name, ok=True, detail=wanted)
    return Check(name, ok=False, detail=f"lacking on {_listed(lacking)}", hint=fix)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_LONGEST_LIST])
    return shown if len(names) <= _LONGEST_LIST else f"{shown} and {len(names) - _LONGEST_LIST} more"


def _identifiers(names: Iterable[str]) -> str:
    return ", ".join(map(quote_identifier, names))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
