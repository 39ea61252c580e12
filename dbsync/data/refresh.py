"""PURE: which materialised views of the target are refreshed after the data, and in which order.

All that read a written table or may do so through a function, also those that the source has not or defines
otherwise: what a view shows is a matter of the database that it is in. One that has to stay as it is, is listed
with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dbsync.data.options import SyncOptions
from dbsync.data.order import parents_first
from dbsync.data.units import EXCLUDED, Skipped, Unit, ancestors_of, family_of
from dbsync.model import Catalog, Table, TableName
from dbsync.selection import TablePattern


def plan_refresh(
    source: Catalog, target: Catalog, units: Sequence[Unit], options: SyncOptions
) -> tuple[tuple[TableName, ...], list[Skipped]]:
    """Choose the materialised views to refresh, in dependency order; the others are listed with the reason."""
    known = {options.target_name(view.name): view for view in source.of_kind("matview") if view.extension is None}
    excluded = [TablePattern.parse(text) for text in options.exclude]
    written = _shown_through(target, [family.name for unit in units for family in family_of(target, unit.target)])
    notes: list[Skipped] = []
    wanted: list[TableName] = []
    for name in sorted({*known, *(view.name for view in target.of_kind("matview"))}):
        view, mine = target.tables.get(name), known.get(name)
        if view is None or view.kind != "matview":
            reason: str | None = "missing in the target: not refreshed"
        elif view.extension is not None or not (_is_to_be_filled(view, options) or _reads_from(target, name, written)):
            continue
        else:
            reason = _why_not(view, mine)
        if any(pattern.matches(mine.name if mine is not None else name) for pattern in excluded):
            reason = f"{EXCLUDED}: not refreshed"
        if reason is None:
            wanted.append(name)
        else:
            notes.append(Skipped(str(name), f"materialised view {reason}"))
    references = [(view, parent) for view in wanted for parent in target.matview_depends.get(view, ())]
    order, _ = parents_first(wanted, references)
    # What a function reads nobody knows: views that call one come last, as it may be other views, and what reads these.
    return tuple(sorted(order, key=lambda view: _reads_from(target, view, set()))), notes


def without_refresh(
    skipped: Sequence[Skipped], source: Catalog, target: Catalog, options: SyncOptions
) -> list[Skipped]:
    """What a comparison of rows leaves out, where ``skipped`` is what a sync would: all materialised views."""
    included, excluded = (tuple(map(TablePattern.parse, texts)) for texts in (options.tables, options.exclude))
    views = {view.name: view.name for view in target.of_kind("matview") if view.extension is None}
    views |= {options.target_name(view.name): view.name for view in source.of_kind("matview") if view.extension is None}
    found = []
    for name, asked in sorted(views.items()):
        if included and not any(pattern.matches(each) for pattern in included for each in (name, asked)):
            continue
        left_out = any(pattern.matches(asked) for pattern in excluded)
        found.append(Skipped(str(name), EXCLUDED if left_out else "a materialised view: not compared"))
    tables = {str(table.name) for catalog in (source, target) for table in catalog.of_kind("table", "partitioned")}
    told = {str(name) for names in views.items() for name in names} - tables
    return [one for one in skipped if one.table not in told] + [one for one in found if one.table in told]


def _is_to_be_filled(view: Table, options: SyncOptions) -> bool:
    """Whether a view was just made, whatever it reads: a function, an extension's tables."""
    return options.create and not view.populated


def _why_not(view: Table, mine: Table | None) -> str | None:
    """Why a view of the target is left as it is."""
    if mine is not None and not mine.populated:
        return "not populated in the source: left alone"
    if mine is None and not view.populated:
        return "not populated, and not in the source: left alone"
    if not view.privileges & {"OWNER", "MAINTAIN"}:
        return "not refreshed: only its owner can"
    return None


def _shown_through(target: Catalog, tables: Iterable[TableName]) -> set[TableName]:
    """Tables, and those that show their rows too: what they are partitions of or inherit from."""
    found: set[TableName] = set()
    waiting = list(tables)
    while waiting:
        name = waiting.pop()
        if name not in found and name in target.tables:
            found.add(name)
            table = target.tables[name]
            waiting += [*table.inherits, *(above.name for above in ancestors_of(target, table))]
    return found


def _reads_from(target: Catalog, view: TableName, written: set[TableName]) -> bool:
    """Whether a materialised view depends on a written table, directly or through others (unknown counts as yes)."""
    if view not in target.matview_depends or view in target.matviews_opaque:
        return True
    seen, waiting = set(), [view]
    while waiting:
        for parent in target.matview_depends.get(waiting.pop(), ()):
            if parent in written or parent in target.matviews_opaque:
                return True
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False
