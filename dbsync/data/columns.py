"""PURE: pair the columns of a source and a target table by name, and say what stands in the way.

A pair is accepted only when every value of the source survives in the target byte for byte in its
text form; anything else is refused before the first write (the lossless matrix).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dbsync.data.problem import Problem, Rule
from dbsync.model import Column, ColumnType, Table, quote_identifier

# Types whose binary form is the same on every supported server: fixed OIDs, no catalog lookups in send/recv.
# Left out on purpose: money (locale), xml (declares an encoding), reg* (names), tsvector, tsquery, user-made ones.
_BINARY_SAFE = frozenset({
    "bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "varchar", "bpchar", "char",
    "name", "bytea", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb",
    "inet", "cidr", "macaddr", "macaddr8", "bit", "varbit", "point", "lseg", "path", "box", "polygon", "line",
    "circle", "pg_lsn", "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
})  # fmt: skip
# Types whose text form never holds "|" and is never empty, or (JSON) ends where its syntax says: they need no
# length in the digest's row text. Arrays, ranges and composites are of the latter sort, too: they quote.
_PLAIN = frozenset({
    "bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "date", "time", "timetz",
    "interval", "uuid", "inet", "cidr", "macaddr", "macaddr8", "pg_lsn", "json", "jsonb",
})  # fmt: skip
_SELF_DELIMITING = ("composite", "range", "multirange")
_MEASURED = frozenset(("text", "varchar", "bpchar", "bytea"))  # octet_length is cheap, even for toasted values
_SHIFTS_IDENTITY = frozenset({
    "oid", "regclass", "regproc", "regprocedure", "regoper", "regoperator", "regtype", "regrole", "regnamespace",
    "regconfig", "regdictionary", "regcollation",
})  # fmt: skip
_FAMILIES = (
    frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"}), frozenset({"text", "varchar", "bpchar"})
)  # fmt: skip
_WIDER_INTEGER = {"int2": {"int4", "int8", "numeric"}, "int4": {"int8", "numeric"}, "int8": {"numeric"}}

# The rules by which two columns of one name are no pair.
UNPAIRED: frozenset[Rule] = frozenset({
    "column_missing", "column_type", "column_narrower", "enum_labels", "enum_order", "domain_stricter",
    "type_definition", "generation_differs",
})  # fmt: skip

# A composite's attribute whose type is built in, as those stand without a schema.
_ATTRIBUTE = re.compile(r'(?:"(?:[^"]|"")*"|[^" ]+) (\w+)(?![\w.])')

DigestForm = Literal["plain", "measured", "row", "timestamp", "timestamptz"]
_SENT: Mapping[str, DigestForm] = {"timestamp": "timestamp", "timestamptz": "timestamptz"}  # 64-bit numbers inside


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPair:
    """One column on both sides. Not ``copied``: the target computes the value. ``computed``: the source does."""

    name: str
    digest: DigestForm
    nullable: bool
    binary: bool
    copied: bool = True
    computed: bool = False


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairs in source order, what forbids the copy, and what the user should know."""

    pairs: tuple[ColumnPair, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def pair_columns(source: Table, target: Table, *, only: Sequence[str] | None, schemas: Mapping[str, str]) -> Pairing:
    """Pair columns by name; ``only`` limits them, ``schemas`` says where else a source schema's user types may be."""
    pairs: list[ColumnPair] = []
    problems: list[Problem] = []
    notes: list[Problem] = []

    def told(rule: Rule, column: str | None, message: str) -> Problem:
        return Problem(rule, message, target.name, column)

    wanted = [column for column in source.columns if only is None or column.name in only]
    for name in only or ():
        if source.column(name) is None:
            problems.append(
                told("column_unknown", name, f"column {quote_identifier(name)} does not exist in the source")
            )
    for column in wanted:
        other = target.column(column.name)
        if other is None:
            said = f"column {quote_identifier(column.name)} is missing in the target"
            problems.append(told("column_missing", column.name, said))
            continue
        if not column.readable:
            said = f"column {quote_identifier(column.name)} may not be read by the source role"
            problems.append(told("column_unreadable", column.name, said))
        misfit = _incompatible(column, other, schemas)
        if misfit is not None:
            said = f"column {quote_identifier(column.name)}: {misfit.reason}"
            problems.append(replace(told(misfit.rule, column.name, said), sides=(column.type.text, other.type.text)))
            continue
        notes += [told(rule, column.name, said) for rule, said in _notes(column, other)]
        pairs.append(_pair(column, other))
    for other in target.columns:
        missing = all(pair.name != other.name for pair in pairs) and not any(c.name == other.name for c in wanted)
        if not missing:
            continue
        if other.generated or other.identity:
            does = "computes" if other.generated else "numbers"
            said = f"target column {quote_identifier(other.name)} is not in the copy: the target {does} it"
            notes.append(told("column_default", other.name, said))
        elif not other.nullable and other.default is None and not _domain_default(other.type):
            said = f"target column {quote_identifier(other.name)} is NOT NULL, has no default and gets no value"
            problems.append(told("column_required", other.name, said))
        else:
            said = f"target column {quote_identifier(other.name)} is not in the copy: it gets its default"
            notes.append(told("column_default", other.name, said))
    if pairs and not any(pair.copied for pair in pairs) and not all(other.generated for other in target.columns):
        problems.append(told("columns_computed", None, "every common column is computed by the target"))
    return Pairing(tuple(pairs), tuple(problems), tuple(notes))


def _pair(column: Column, other: Column) -> ColumnPair:
    same = column.type.text == other.type.text
    left, right = _bottom(column.type), _bottom(other.type)
    return ColumnPair(
        name=column.name,
        digest=_digest_form(left, right),
        nullable=column.nullable or other.nullable,
        binary=same and _binary_safe(column.type),
        copied=not other.generated,
        computed=bool(column.generated),
    )


def _digest_form(left: ColumnType, right: ColumnType) -> DigestForm:
    """How a column stands in the row text that is hashed; the same for both sides."""
    if left.element is not None and right.element is not None:
        return "plain"
    if left.kind == right.kind and left.kind in _SELF_DELIMITING:
        return "plain"
    names = {left.name, right.name}
    if left.kind == right.kind == "base" and left.schema == right.schema == "pg_catalog":
        if len(names) == 1 and left.name in _SENT:
            return _SENT[left.name]
        if names <= _PLAIN:
            return "plain"
        if len(names) == 1 and names <= _MEASURED:
            return "measured"
    return "row"


def _binary_safe(kind: ColumnType) -> bool:
    kind = kind.element or kind
    return kind.schema == "pg_catalog" and kind.name in _BINARY_SAFE


def _bottom(kind: ColumnType) -> ColumnType:
    while kind.base is not None:
        kind = kind.base
    return kind


def names_within(kind: ColumnType) -> frozenset[str]:
    """The names of the built-in types whose values a value of this type is or holds: in domains, arrays, composites."""
    while (inner := kind.base or kind.element) is not None:
        kind = inner
    if kind.kind == "composite":  # a line for each attribute: its name, its type
        return frozenset(found[1] for part in kind.definition if (found := _ATTRIBUTE.match(part)))
    return frozenset((kind.name,) if kind.schema == "pg_catalog" else ())


def _domain_default(kind: ColumnType) -> bool:
    return kind.kind == "domain" and any(part.upper().startswith("DEFAULT") for part in kind.definition)


def _notes(column: Column, other: Column) -> list[tuple[Rule, str]]:
    notes: list[tuple[Rule, str]] = []
    name = quote_identifier(column.name)
    if _SHIFTS_IDENTITY.intersection(names_within(column.type)):
        said = f"column {name} holds {column.type.text} values, which may mean something else in another database"
        notes.append(("column_oid", said))
    if other.generated and not column.generated:
        said = f"column {name} is generated in the target only: the target computes it, the check compares it"
        notes.append(("column_generated", said))
    return notes


@dataclass(frozen=True, slots=True)
class _Misfit:
    """Why a column cannot be copied without loss, and by which rule."""

    rule: Rule
    reason: str


def _incompatible(column: Column, other: Column, schemas: Mapping[str, str]) -> _Misfit | None:
    if column.generated and other.generated and column.generation != other.generation:
        said = f"generated as {column.generation} in the source but as {other.generation} in the target"
        return _Misfit("generation_differs", said)
    return _loses(column.type, other.type, schemas)


def _loses(left: ColumnType, right: ColumnType, schemas: Mapping[str, str]) -> _Misfit | None:
    change = _Misfit("column_type", f"{left.text} does not fit {right.text} without loss")
    if left.kind == "domain" and right.kind != "domain" and left.base is not None:
        return _loses(left.base, right, schemas)
    if left.kind != right.kind:
        return replace(change, rule="domain_stricter") if _constrains(right) else change
    if left.element is not None or right.element is not None:
        if left.element is None or right.element is None:
            return change
        within = _loses(left.element, right.element, schemas)
        if within is None and _same_name(left.element, right.element, schemas):
            return None
        return replace(change, rule=within.rule) if within is not None else change
    if not _same_name(left, right, schemas):
        if _widens(left, right):
            return None
        return replace(change, rule="column_narrower") if _narrows(left, right) else change
    if left.kind != "base":
        return _definition_differs(left, right)
    return None if _typmod_fits(left, right) else replace(change, rule="column_narrower")


def _constrains(kind: ColumnType) -> bool:
    return kind.kind == "domain" and any(part.startswith(("NOT NULL", "CONSTRAINT ")) for part in kind.definition)


def _same_name(left: ColumnType, right: ColumnType, schemas: Mapping[str, str]) -> bool:
    if left.name != right.name:
        return False
    if left.extension is not None and left.extension == right.extension:
        return True  # extensions may live in different schemas
    return right.schema in (left.schema, schemas.get(left.schema))


def _widens(left: ColumnType, right: ColumnType) -> bool:
    if left.schema != "pg_catalog" or right.schema != "pg_catalog" or left.kind != "base":
        return False
    if right.name in _WIDER_INTEGER.get(left.name, ()):
        return right.typmod == -1
    if {left.name, right.name} == {"varchar", "text"}:
        return right.typmod == -1
    return left.name == "jsonb" and right.name == "json"


def _narrows(left: ColumnType, right: ColumnType) -> bool:
    """Whether the right type, of another name, is a smaller one of the left one's family."""
    if left.schema != "pg_catalog" or right.schema != "pg_catalog":
        return False
    return any({left.name, right.name} <= family for family in _FAMILIES)


def _typmod_fits(left: ColumnType, right: ColumnType) -> bool:
    if left.typmod == right.typmod:
        return True
    if left.schema != "pg_catalog" or left.typmod == -1 and right.typmod != -1:
        return False
    if left.name in ("varchar", "varbit"):
        return right.typmod == -1 or right.typmod >= left.typmod
    if left.name in ("time", "timetz", "timestamp", "timestamptz"):
        return right.typmod == -1 or right.typmod >= left.typmod
    if left.name == "interval":
        return right.typmod == -1
    if left.name == "numeric":
        return right.typmod == -1 or _numeric_fits(left.typmod, right.typmod)
    return False


def _numeric_fits(left: int, right: int) -> bool:
    """Same scale (else 1.0 would become 1.00) and at least the precision."""
    left_scale, right_scale = (left - 4) & 0x7FF, (right - 4) & 0x7FF
    return left_scale == right_scale and (right - 4) >> 16 >= (left - 4) >> 16


def _definition_differs(left: ColumnType, right: ColumnType) -> _Misfit | None:
    if left.kind == "enum":
        remaining = iter(right.definition)
        if all(label in remaining for label in left.definition):
            return None
        said = f"the enum {right.text} lacks labels of the source or has them in another order"
        return _Misfit("enum_order" if set(left.definition) <= set(right.definition) else "enum_labels", said)
    if left.definition != right.definition:
        added = set(right.definition) - set(left.definition)
        stricter = any(part.startswith(("NOT NULL", "CONSTRAINT ")) for part in added) and left.kind == "domain"
        said = f"the {left.kind} type {left.text} is defined otherwise in the target"
        return _Misfit("domain_stricter" if stricter else "type_definition", said)
    return None
