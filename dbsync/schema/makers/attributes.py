"""What a column is beside its type and values (storage, statistics, options), and the options of foreign objects."""

from __future__ import annotations

from collections.abc import Iterable, Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import altering
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Action, Step

ATTRIBUTES = ("storage", "compression", "statistics", "options")
_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}


def attribute_steps(
    wanted: SchemaObject, parts: Set[str], action: Action, present: SchemaObject | None = None
) -> list[Step]:
    """Return the steps for a column's storage, compression, statistics target and options: its children keep theirs."""
    column = f"{altering(wanted, only=wanted.parts['of'] in 'rpf')} ALTER COLUMN {name(wanted.ref.sub)}"
    values = wanted.parts
    sqls = []
    if "storage" in parts:
        usual = values.get("type_storage", "x")
        sqls.append(f"{column} SET STORAGE {_STORAGE[values['storage'] or usual]}")
    if "compression" in parts:
        sqls.append(f"{column} SET COMPRESSION {_COMPRESSION.get(values['compression'], 'default')}")
    if "statistics" in parts:
        sqls.append(f"{column} SET STATISTICS {-1 if values['statistics'] is None else values['statistics']}")
    if "options" in parts:
        old = dict(_pair(option) for option in (present.parts["options"] if present else None) or ())
        new = dict(_pair(option) for option in values["options"] or ())
        if gone := [key for key in old if key not in new]:
            sqls.append(f"{column} RESET ({', '.join(gone)})")
        if fresh := [f"{key} = {value}" for key, value in new.items() if old.get(key) != value]:
            sqls.append(f"{column} SET ({', '.join(fresh)})")
    return [Step(sql, wanted.ref, action) for sql in sqls]


def options_list(options: Iterable[str]) -> str:
    """Return ``{a=b}`` of a catalog as ``a 'b'``, the form that foreign objects take."""
    pairs = (option.partition("=") for option in options)
    return ", ".join(f"{name(key)} {literal(value)}" for key, _, value in pairs)


def changed_options(present: Iterable[str] | None, wanted: Iterable[str] | None) -> str:
    """Return ``ADD a 'b', SET c 'd', DROP e`` for the options of foreign objects."""
    old, new = (dict(_pair(option) for option in side or ()) for side in (present, wanted))
    words = [f"DROP {name(key)}" for key in old if key not in new]
    words += [f"SET {name(key)} {literal(new[key])}" for key in new if key in old and old[key] != new[key]]
    words += [f"ADD {name(key)} {literal(new[key])}" for key in new if key not in old]
    return ", ".join(words)


def _pair(option: str) -> tuple[str, str]:
    key, _, value = option.partition("=")
    return key, value
