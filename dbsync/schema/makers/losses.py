"""What a change of type takes from a column's values without an error: it rounds, cuts, forgets.

Values that do not fit are another matter: they end the statement with an error, and are asked for before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dbsync.pg.quoting import name
from dbsync.schema.makers.conversion import TEXTS, base_of, unwrapped
from dbsync.schema.objects import Snapshot

_WHOLE = frozenset({"smallint", "integer", "bigint"})
_FLOATS = {"real": 6, "double precision": 15}  # the decimal digits that each keeps
_MOMENTS = frozenset({"timestamp without time zone", "timestamp with time zone"})
_CLOCKS = frozenset({"time without time zone", "time with time zone"})
_READ = TEXTS | {"json"}  # their values are texts, whatever these say
_BITS = frozenset({"bit", "bit varying"})
_MODIFIERS = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_MICROSECONDS = 6


def lost_by_conversion(
    present: str, wanted: str, target: Snapshot, source: Snapshot, *, over_text: bool = False
) -> str | None:
    """Say in words what the values lose ("the times of day"), None if every value that fits stays what it is.

    ``over_text``: the new type reads the text of a value, which is an error where a cast rounds.
    """
    present, wanted = unwrapped(present, target), unwrapped(wanted, source)
    if present == wanted:
        return None  # a type that changes under its name says itself what that costs
    old, new = base_of(present, target), base_of(wanted, source)
    held, taken = _parts(present, target), _parts(wanted, source)
    if taken and (held or old in _READ):
        pairs = zip(held or [present] * len(taken), taken, strict=False)
        found = (lost_by_conversion(one, other, target, source, over_text=over_text) for one, other in pairs)
        return next(filter(None, found), None)
    before, after = _modifiers(present), _modifiers(wanted)
    if old in _READ and new in _BITS and after:
        return "the last bits that do not fit"
    if over_text and new in _STRICT:
        return None
    return (
        _digits(old, new, before, after)
        or _time(old, new, before, after)
        or _CUTS.get((old, new))
        or _CUTS.get(("number" if old in _WHOLE else old, new))
    )


def _parts(type_name: str, schema: Snapshot) -> Sequence[str]:
    """The types of what a value is put together from: of an array or range one, of a composite its attributes'."""
    if type_name.endswith("[]"):
        return [type_name.removesuffix("[]")]
    if type_name in _BOUNDS:
        return [_BOUNDS[type_name]]
    for ref, made in schema.objects.items():
        if ref.kind == "range" and type_name in (name(ref.schema, ref.name), made.parts.get("multirange")):
            return [made.parts["subtype"]]
        if ref.kind == "composite" and name(ref.schema, ref.name) == type_name:
            return [attribute["type"] for attribute in made.parts["attributes"] or ()]
    return []


_RANGES = {
    "int4": "integer",
    "int8": "bigint",
    "num": "numeric",
    "ts": "timestamp without time zone",
    "tstz": "timestamp with time zone",
    "date": "date",
}
_BOUNDS = {f"{short}{kind}": bound for short, bound in _RANGES.items() for kind in ("range", "multirange")}
# They refuse a text for what a cast to them leaves out.
_STRICT = _WHOLE | {"boolean", "bit", "cidr"}
# What is left out of a text where another type reads it.
_UNREAD = {
    "date": "the times of day",
    "time without time zone": "the dates",
    "time with time zone": "the dates",
    "timestamp without time zone": "the time zones",
    "timestamp with time zone": "fractions of the seconds",
    "interval": "fractions of the seconds",
}
_EXACT = frozenset({"timestamp with time zone", "interval"})  # without a number of digits they hold what people write
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
    if new == "money" and (fractions or old in _READ):
        return "the digits after the second decimal place"
    if new in _FLOATS:
        exact = _FLOATS[new]
        held = {"smallint": 5, "integer": 10, "bigint": 19, "double precision": 15}.get(old)
        if old in ("numeric", "jsonb") or old in _READ:
            held = before[0] if before and old == "numeric" else exact + 1
        return f"the digits beyond the {exact}th" if held is not None and held > exact else None
    if new == "numeric" and after is not None and (fractions or old in _WHOLE or old in _READ):
        kept = after[1]
        scale = 0 if old in _WHOLE else before[1] if before and old == "numeric" else None
        if scale is None or scale > kept:
            return f"the digits after decimal place {kept}"
    return None


def _time(old: str, new: str, before: tuple[int, int] | None, after: tuple[int, int] | None) -> str | None:
    if old in _READ and new in _UNREAD and (after or new not in _EXACT):
        return _UNREAD[new]
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
