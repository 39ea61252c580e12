"""PURE: from what was measured on the shadow to hazards in words, with the sizes of the real tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from dbsync.schema.objects import ROUTINES
from dbsync.schema.plan import Hazard, Statement
from dbsync.sqltext import tokens

TableKey = tuple[str, str]

# Labels that mean that something may be lost or may stand still for long: these must be allowed one by one.
BIG_TABLE_ROWS = 1_000_000
BIG_TABLE_BYTES = 128 * 1024 * 1024  # where nobody has counted its rows
ALWAYS_ASKED = frozenset({"DELETES_DATA"})
ASKED_WHEN_BIG = frozenset({"TABLE_REWRITE", "TABLE_SCAN", "INDEX_BUILD"})
TYPES = (
    "ACQUIRES_ACCESS_EXCLUSIVE_LOCK", "ACQUIRES_SHARE_LOCK", "ACQUIRES_SHARE_ROW_EXCLUSIVE_LOCK", "AUTHZ_UPDATE",
    "BREAKS_OLD_CLIENTS", "CORRECTNESS", "DELETES_DATA", "HAS_UNTRACKABLE_DEPENDENCIES", "INDEX_BUILD",
    "INDEX_DROPPED", "MAY_FAIL_ON_DATA", "NOT_TRANSACTIONAL", "TABLE_REWRITE", "TABLE_SCAN",
    "UPGRADING_EXTENSION_VERSION",
)  # fmt: skip
_LOCKS = {
    "AccessExclusiveLock": ("ACQUIRES_ACCESS_EXCLUSIVE_LOCK", "blocks reads and writes of"),
    "ExclusiveLock": ("ACQUIRES_ACCESS_EXCLUSIVE_LOCK", "blocks writes of"),
    "ShareRowExclusiveLock": ("ACQUIRES_SHARE_ROW_EXCLUSIVE_LOCK", "blocks writes of"),
    "ShareLock": ("ACQUIRES_SHARE_LOCK", "blocks writes of"),
}
_RENAMED = ("TO", "COLUMN", "VALUE", "ATTRIBUTE")
_AUTHORITY = ("GRANT ", "REVOKE ", "ALTER DEFAULT PRIVILEGES")


class MeasuredEffects(Protocol):
    """What was measured; see ``dbsync.pg.measure.Effects``."""

    @property
    def locks(self) -> Mapping[TableKey, str]: ...

    @property
    def rewrites(self) -> frozenset[TableKey]: ...

    @property
    def scans(self) -> frozenset[TableKey]: ...

    @property
    def builds(self) -> frozenset[TableKey]: ...


class Size(Protocol):
    """Rows and bytes of a table."""

    @property
    def rows(self) -> int | None: ...

    @property
    def bytes(self) -> int: ...


def hazards_of(
    statement: Statement, effects: MeasuredEffects | None, sizes: Mapping[TableKey, Size]
) -> tuple[Hazard, ...]:
    """Return the hazards of one statement; without ``effects`` only those that the plan itself knows.

    A table that ``sizes`` does not hold is new in this plan: nobody uses it yet.
    """
    found = list(_known(statement))
    if effects is not None:
        for table, mode in sorted(effects.locks.items()):
            if table in sizes:
                found += _on_table(table, mode, effects, sizes[table])
    return tuple(found)


def needs_leave(hazard: Hazard) -> bool:
    """Whether a person has to allow it by name before the plan is applied."""
    if hazard.type in ALWAYS_ASKED:
        return True
    if hazard.type not in ASKED_WHEN_BIG:
        return False
    return (hazard.bytes or 0) >= BIG_TABLE_BYTES if hazard.rows is None else hazard.rows >= BIG_TABLE_ROWS


def _on_table(table: TableKey, mode: str, effects: MeasuredEffects, size: Size) -> Iterator[Hazard]:
    name = ".".join(table)
    weight = _weight(size)

    def hazard(kind: str, message: str) -> Hazard:
        return Hazard(
            type=kind, message=message, object=name, lock=mode, rewrites=table in effects.rewrites,
            scans=table in effects.scans, rows=size.rows, bytes=size.bytes,
        )  # fmt: skip

    kind, blocks = _LOCKS.get(mode, ("", ""))
    while_it_runs = f", {blocks.removesuffix(' of')}" if blocks else ""
    if table in effects.rewrites:
        yield hazard("TABLE_REWRITE", f"rewrites {name}, {weight}{while_it_runs}")
    elif table in effects.builds:
        yield hazard("INDEX_BUILD", f"builds an index on {name}, {weight}{while_it_runs}")
    elif table in effects.scans:
        yield hazard("TABLE_SCAN", f"reads all of {name}, {weight}{while_it_runs}")
    if kind:
        yield hazard(kind, f"{blocks} {name} ({weight})")


def _known(statement: Statement) -> Iterator[Hazard]:
    about = str(statement.ref)
    sql = _spoken(statement.sql)

    def hazard(kind: str, message: str) -> Hazard:
        return Hazard(type=kind, message=message, object=about)

    if statement.destroys:
        yield hazard("DELETES_DATA", f"{statement.destroys} are lost for good")
    if statement.checks:
        yield hazard("MAY_FAIL_ON_DATA", "fails where rows do not fit; they are asked before anything is changed")
    if not statement.transactional:
        yield hazard("NOT_TRANSACTIONAL", "runs outside a transaction: what was done before it stays")
    if (
        sql.startswith(_AUTHORITY)
        or sql == "DO"  # a GRANT or REVOKE by the role that gave the right
        or statement.ref.kind == "policy"
        or " ROW LEVEL SECURITY" in sql
        or " OWNER TO" in sql
    ):
        yield hazard("AUTHZ_UPDATE", "changes who may do what")
    if statement.ref.kind in ROUTINES and statement.action != "drop" and sql.startswith("CREATE"):
        yield hazard("HAS_UNTRACKABLE_DEPENDENCIES", "Postgres does not look into the body before it runs")
    if statement.ref.kind == "index" and statement.action == "drop":
        yield hazard("INDEX_DROPPED", "queries that used the index get slower")
    if statement.action == "drop" and statement.ref.kind in ("table", "view", "matview", "column", *ROUTINES):
        yield hazard("BREAKS_OLD_CLIENTS", f"clients that still use {about} fail")
    if any(f" RENAME {what}" in sql for what in _RENAMED) and statement.ref.kind in (
        "table",
        "column",
        "view",
        "matview",
        "enum",
        *ROUTINES,
    ):
        yield hazard("BREAKS_OLD_CLIENTS", f"clients that use the former name of {about} fail")
    if " REPLICA IDENTITY" in sql:
        yield hazard("CORRECTNESS", "changes what subscribers are told of updated and deleted rows")
    if sql.startswith("ALTER EXTENSION") and " UPDATE" in sql:
        yield hazard("UPGRADING_EXTENSION_VERSION", "the extension's own script runs")


def _spoken(sql: str) -> str:
    """The words of a statement itself, in capitals: none of a name after a dot, of a name or text in quotes."""
    found = []
    before = ""
    for token in tokens(sql):
        if token.kind == "word" and before != ".":
            found.append(token.text.upper())
        if not token.silent:
            before = token.text
    return " ".join(found)


def _weight(size: Size) -> str:
    rows = "size unknown" if size.rows is None else f"about {_short(size.rows)} rows"
    return f"{rows}, {_bytes(size.bytes)}"


def _short(count: int) -> str:
    for limit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= limit:
            return f"{count / limit:.0f} {letter}" if count >= 10 * limit else f"{count / limit:.1f} {letter}"
    return str(count)


def _bytes(count: int) -> str:
    for limit, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= limit:
            return f"{count / limit:.0f} {unit}" if count >= 10 * limit else f"{count / limit:.1f} {unit}"
    return f"{count} bytes"
