"""PURE: renames that the user hints at, as the statements that come first; and those that look likely.

A rename cannot be seen in two schemas: a column that is gone and one that is new may be one column or two.
So it is done only on a hint, ``public.old=public.new``: the old name as it is in the target, the new one as it
is in the source; columns and labels of enums with the name of their table or type before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dbsync.errors import ConfigError
from dbsync.pg.quoting import literal, name
from dbsync.schema.diff import SchemaDiff
from dbsync.schema.objects import ROUTINES, TYPES, Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Step

_WORDS = {"matview": "MATERIALIZED VIEW", "enum": "TYPE", "composite": "TYPE", "range": "TYPE"}
_MEMBERS = ("column", "constraint", "trigger", "policy", "rule")
_ALONE = ("table", "view", "matview", "sequence", "index", *sorted(TYPES), *sorted(ROUTINES), "statistics", "collation")


@dataclass(frozen=True, slots=True)
class Rename:
    """A hint that was understood; for a label of an enum the labels."""

    old: Ref
    new: Ref
    labels: tuple[str, str] | None = None

    def reversed(self) -> Rename:
        """The same rename back."""
        return Rename(self.new, self.old, None if self.labels is None else (self.labels[1], self.labels[0]))


def split_name(text: str) -> tuple[str, ...]:
    """Cut ``public."My table".column`` into its parts; raise ConfigError for one that has none."""
    parts: list[str] = []
    word, quoted, place = "", False, 0
    while place < len(text):
        letter = text[place]
        if letter == '"' and quoted and text[place : place + 2] == '""':
            word, place = word + '"', place + 1
        elif letter == '"':
            quoted = not quoted
        elif letter == "." and not quoted:
            parts.append(word)
            word = ""
        else:
            word += letter
        place += 1
    parts.append(word)
    if quoted or not all(parts):
        raise ConfigError(f"--rename: {text!r} is not a name", hint="write schema.name, or schema.table.column")
    return tuple(parts)


def read_renames(pairs: Iterable[tuple[str, str]], source: Snapshot, target: Snapshot) -> list[Rename]:
    """Find what the hints name, schemas and tables before what is in them. Raises ConfigError."""
    found = [_read(split_name(old), split_name(new), source, target) for old, new in pairs]
    order = {"schema": 0, **dict.fromkeys(_ALONE, 1)}
    return sorted(found, key=lambda rename: order.get(rename.old.kind, 2) if rename.labels is None else 3)


def _read(old: tuple[str, ...], new: tuple[str, ...], source: Snapshot, target: Snapshot) -> Rename:
    if len(old) != len(new):
        raise ConfigError(f"--rename {'.'.join(old)}={'.'.join(new)}: both names need as many parts")
    for kind in _kinds(len(old)):
        before, after = _candidates(kind, old, target), _candidates(kind, new, source)
        for one in before:
            for other in after:
                if one.arguments == other.arguments:
                    return Rename(one, other)
    if len(old) == 3:
        former, enum = Ref("enum", *old[:2]), Ref("enum", *new[:2])
        if _has_label(target, former, old[2]) and _has_label(source, enum, new[2]):
            return Rename(former, enum, (old[2], new[2]))
    raise _unknown(old, new, source, target)


def _kinds(parts: int) -> Sequence[str]:
    return {1: ("schema",), 2: _ALONE, 3: _MEMBERS}.get(parts, ())


def _candidates(kind: str, parts: tuple[str, ...], side: Snapshot) -> list[Ref]:
    if kind == "schema":
        refs = [Ref("schema", "", parts[0])]
    elif kind in ROUTINES:
        refs = [ref for ref in side.objects if ref.kind == kind and (ref.schema, ref.name) == parts]
    else:
        refs = [Ref(kind, *parts)]
    return [ref for ref in refs if ref in side.objects]


def _has_label(side: Snapshot, enum: Ref, label: str) -> bool:
    return enum in side.objects and label in (side.objects[enum].parts["labels"] or ())


def _unknown(old: tuple[str, ...], new: tuple[str, ...], source: Snapshot, target: Snapshot) -> ConfigError:
    there = any(_candidates(kind, old, target) for kind in _kinds(len(old)))
    missing = f"{'.'.join(new)} is not in the source" if there else f"{'.'.join(old)} is not in the target"
    return ConfigError(
        f"--rename {'.'.join(old)}={'.'.join(new)}: {missing}, or is another kind of thing",
        hint="write the name that the target has now, then the name that the source has",
        code="NO_SUCH_OBJECT",
    )


def rename_steps(renames: Sequence[Rename], present: Snapshot) -> list[Step]:
    """Return the statements for the renames, in their order; schemas that something moves into are made."""
    made: set[str] = set()
    moved = {(r.old.schema, r.old.name): (r.new.schema, r.new.name) for r in renames if r.old.kind in _ALONE}
    steps: list[Step] = []
    for rename in renames:
        steps += _steps(rename, present, moved, made)
    return steps


def _steps(
    rename: Rename, present: Snapshot, moved: dict[tuple[str, str], tuple[str, str]], made: set[str]
) -> Iterator[Step]:
    old, new = rename.old, rename.new
    if rename.labels is not None:
        place = name(*moved.get((old.schema, old.name), (old.schema, old.name)))
        sql = f"ALTER TYPE {place} RENAME VALUE {literal(rename.labels[0])} TO {literal(rename.labels[1])}"
        yield Step(sql, new, "alter")
    elif old.kind == "schema":
        yield Step(f"ALTER SCHEMA {name(old.name)} RENAME TO {name(new.name)}", new, "alter")
    elif old.kind in _MEMBERS:
        place = name(*moved.get((old.schema, old.name), (old.schema, old.name)))
        yield Step(_member(old, new, place), new, "alter")
    else:
        if old.schema != new.schema:
            if new.schema not in made and Ref("schema", "", new.schema) not in present.objects:
                made.add(new.schema)
                yield Step(f"CREATE SCHEMA {name(new.schema)}", Ref("schema", "", new.schema), "create")
            yield Step(f"ALTER {_thing(old, old.schema)} SET SCHEMA {name(new.schema)}", new, "alter")
        if old.name != new.name:
            yield Step(f"ALTER {_thing(old, new.schema)} RENAME TO {name(new.name)}", new, "alter")


def _thing(ref: Ref, schema: str) -> str:
    arguments = f"({ref.arguments})" if ref.kind in ROUTINES else ""
    return f"{_WORDS.get(ref.kind, ref.kind.upper())} {name(schema, ref.name)}{arguments}"


def _member(old: Ref, new: Ref, place: str) -> str:
    if old.kind in ("column", "constraint"):
        return f"ALTER TABLE {place} RENAME {old.kind.upper()} {name(old.sub)} TO {name(new.sub)}"
    return f"ALTER {old.kind.upper()} {name(old.sub)} ON {place} RENAME TO {name(new.sub)}"


def likely_renames(diff: SchemaDiff, source: Snapshot, target: Snapshot) -> list[str]:
    """Sentences about things that are gone and new at once and look alike: for a person to decide."""
    found = []
    for ref in diff.dropped:
        alike = [new for new in diff.created if _alike(target.objects[ref], source.objects[new], source, target)]
        if len(alike) == 1:
            (new,) = alike
            found.append(
                f"{ref} may have become {new.sub or new.name}: --rename {_hint(ref)}={_hint(new)} keeps its data"
            )
    return found


def _alike(old: SchemaObject, new: SchemaObject, source: Snapshot, target: Snapshot) -> bool:
    if old.ref.kind != new.ref.kind or old.ref.kind not in ("table", "column"):
        return False
    if old.ref.kind == "column":
        keys = ("type", "not_null", "identity", "generated", "collation")
        return old.ref[:3] == new.ref[:3] and all(old.parts.get(key) == new.parts.get(key) for key in keys)
    return _columns(old, target) == _columns(new, source)


def _columns(table: SchemaObject, side: Snapshot) -> list[tuple[str, str]]:
    return [(made.ref.sub, made.parts["type"]) for made in side.members(table.ref) if made.ref.kind == "column"]


def _hint(ref: Ref) -> str:
    return name(*(part for part in (ref.schema, ref.name, ref.sub) if part))
