"""PURE: which materialised views are refreshed after the data, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from dbsync.data.options import SyncOptions
from dbsync.data.order import parents_first
from dbsync.data.units import Skipped, Unit, family_of
from dbsync.model import Catalog, TableName
from dbsync.selection import TablePattern


def plan_refresh(
    source: Catalog, target: Catalog, units: Sequence[Unit], options: SyncOptions
) -> tuple[tuple[TableName, ...], list[Skipped]]:
    """Choose the materialised views to refresh, in dependency order; the others are listed with the reason."""
    written = {family.name for unit in units for family in family_of(target, unit.target)}
    notes: list[Skipped] = []
    wanted: list[TableName] = []
    patterns = [TablePattern.parse(text) for text in options.exclude]
    for view in source.of_kind("matview"):
        name = options.target_name(view.name)
        if view.extension is not None or any(pattern.matches(view.name) for pattern in patterns):
            continue
        other = target.tables.get(name)
        if not _reads_from(target, name, written):
            continue
        if other is None or other.kind != "matview":
            notes.append(Skipped(str(name), "materialised view missing in the target: not refreshed"))
        elif not view.populated:
            notes.append(Skipped(str(name), "materialised view not populated in the source: left alone"))
        elif not other.privileges & {"OWNER", "MAINTAIN"}:
            notes.append(Skipped(str(name), "materialised view not refreshed: only its owner can"))
        else:
            wanted.append(name)
    references = [(view, parent) for view in wanted for parent in target.matview_depends.get(view, ())]
    order, _ = parents_first(wanted, references)
    return tuple(order), notes


def _reads_from(target: Catalog, view: TableName, written: set[TableName]) -> bool:
    """Whether a materialised view depends on a written table, directly or through others (unknown counts as yes)."""
    if view not in target.matview_depends:
        return True
    seen, waiting = set(), [view]
    while waiting:
        for parent in target.matview_depends.get(waiting.pop(), ()):
            if parent in written:
                return True
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False
