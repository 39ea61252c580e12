"""What a change of type takes from a column's values without an error: it rounds, cuts, forgets.

Values that do not fit are another matter: they end the statement with an error, and are asked for before.
"""

from __future__ import annotations

import re

from dbsync.schema.makers.conversion import base_of, unwrapped
from dbsync.schema.objects import Snapshot

_WHOLE = frozenset({"smallint", "integer", "bigint"})
_FLOATS = {"real": 6, "double precision": 15}  # the decimal digits that each keeps
_MOMENTS = frozenset({"timestamp without time zone", "timestamp with time zone"})
_CLOCKS = frozenset({"time without time zone", "time with time zone"})
_MODIFIERS = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_MICROSECONDS = 6


def lost_by_conversion(present: str, wanted: str, target: Snapshot, source: Snapshot) -> str | None:
    """Say in words what the values lose ("the times of day"), None if every value that fits stays what it is."""
    old, new = base_of(present, target), base_of(wanted, source)
    if old.endswith("[]") and old == new:
        old = new = old.removesuffix("[]")
    before, after = _modifiers(unwrapped(present, target)), _modifiers(unwrapped(wanted, source))
    return (
        _digits(old, new, before, after)
        or _time(old, new, before, after)
        or _CUTS.get((old, new))
        or _CUTS.get(("number" if old in _WHOLE else old, new))
    )


# What a conversion of one type to another leaves out.
_CUTS = {
    ("text", "name"): "the characters beyond the 63rd byte",
    ("character varying", "name"): "the characters beyond the 63rd byte",
    ("character", "name"): "the characters beyond the 63rd byte",
    ("text", '"char"'): "the characters after the first",
    ("character varying", '"char"'): "the characters after the first",
    ("character", '"char"'): "the characters after the first",
    ("name", '"char"'): "the characters after the first",
    ("inet", "cidr"): "the bits of a host in its network",
    ("number", "boolean"): "the numbers other than 0 and 1",
    ("number", "bit"): "the leading bits that do not fit",
}


def _digits(old: str, new: str, before: tuple[int, int] | None, after: tuple[int, int] | None) -> str | None:
    fractions = old in _FLOATS or old in ("numeric", "jsonb")
    if new in _WHOLE and fractions and not (before and before[1] <= 0):
        return "the digits after the decimal point"
    if new == "money" and fractions:
        return "the digits after the second decimal place"
    if new in _FLOATS:
        exact = _FLOATS[new]
        held = {"smallint": 5, "integer": 10, "bigint": 19, "double precision": 15}.get(old)
        if old == "numeric":
            held = before[0] if before else exact + 1
        return f"the digits beyond the {exact}th" if held is not None and held > exact else None
    if new == "numeric" and after is not None and (fractions or old in _WHOLE):
        kept = after[1]
        scale = 0 if old in _WHOLE else before[1] if before and old == "numeric" else None
        if scale is None or scale > kept:
            return f"the digits after decimal place {kept}"
    return None


def _time(old: str, new: str, before: tuple[int, int] | None, after: tuple[int, int] | None) -> str | None:
    if old in _MOMENTS and new == "date":
        return "the times of day"
    if old in _MOMENTS and new in _CLOCKS:
        return "the dates"
    if old == "time with time zone" and new == "time without time zone":
        return "the time zones"
    both = (_MOMENTS, _CLOCKS, frozenset({"interval"}))
    if any(old in kind and new in kind for kind in both):
        held, kept = (one[0] if one else _MICROSECONDS for one in (before, after))
        return "fractions of the seconds" if kept < held else None
    return None


def _modifiers(type_name: str) -> tuple[int, int] | None:
    """The numbers in a type's brackets; the second is 0 where there is one."""
    found = _MODIFIERS.search(type_name)
    return (int(found[1]), int(found[2] or 0)) if found else None
