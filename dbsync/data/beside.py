"""PURE: what foreign keys do to rows that no task of their group speaks of, where no row has to be read to tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dbsync.data.actions import ACTING
from dbsync.data.options import SyncOptions, option_for
from dbsync.data.plan import Clear, GroupTask
from dbsync.data.problem import Problem
from dbsync.data.units import Unit, ancestors_of, family_of
from dbsync.model import Catalog, ForeignKey, TableName


def keys_beside(target: Catalog, units: Iterable[Unit], keys: Iterable[ForeignKey]) -> list[ForeignKey]:
    """The group's foreign keys as the partitions have them that --exclude left out: their rows are nobody's task."""
    found = []
    keys = list(keys)
    for unit in units:
        reached = {table.name for route in unit.routes for table in family_of(target, route.target)}
        for leaf in family_of(target, unit.target):
            if leaf.kind != "partitioned" and leaf.name not in reached:
                holders = {leaf.name, *(above.name for above in ancestors_of(target, leaf))}
                found += [replace(key, table=leaf.name) for key in keys if key.table in holders]
    return found


def unchecked_problems(
    target: Catalog, units: Iterable[Unit], options: SyncOptions, groups: Iterable[GroupTask]
) -> list[Problem]:
    """Foreign keys that may let orphans in: rows that they refer to are left out, and adding them again checks none."""
    left_out = _left_out(target, units, options)
    return [
        Problem(
            "foreign_key_unchecked",
            f"{key.table}: foreign key {key.name} is NOT VALID, so nobody checks whether rows that come in refer to "
            f"rows of {key.ref_table} that {left_out[key.ref_table]} leaves out",
            key.table,
            name=key.name,
        )
        for group in groups
        for key in group.foreign_keys
        if group.droppable and not key.validated and key.ref_table in left_out
    ]


def _left_out(target: Catalog, units: Iterable[Unit], options: SyncOptions) -> dict[TableName, str]:
    """The tables of which some rows are left out, and by what."""
    found: dict[TableName, str] = {}
    for unit in units:
        family = [table.name for table in family_of(target, unit.target)]
        reached = {table.name for route in unit.routes for table in family_of(target, route.target)}
        above = [table.name for table in ancestors_of(target, target.tables[unit.target])]
        found |= dict.fromkeys(above, "the choice of partitions")  # all of them would have been chosen by their root
        if any(target.tables[name].kind != "partitioned" and name not in reached for name in family):
            found |= dict.fromkeys(family, "the choice of partitions")
        if any(option_for(options.where, route.source, unit.source) for route in unit.routes):
            found |= dict.fromkeys(family, "--where")
    return found


def emptying_problems(outside: Iterable[ForeignKey], beside: Iterable[ForeignKey], clear: Clear) -> list[Problem]:
    """What forbids emptying tables: keys of tables left out, and of partitions left out whose rows would follow.

    A key that stands acts, and one put aside that is not validated comes back unchecked; else the server forbids it.
    """
    followed = [key for key in beside if (key.on_delete in ACTING if clear == "delete" else not key.validated)]
    return [
        Problem(
            "foreign_key_outside",
            f"{key.table} refers to {key.ref_table} by foreign key {key.name} but is not selected",
            key.table,
            name=key.name,
        )
        for key in (*outside, *followed)
    ]
