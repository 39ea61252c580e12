"""Foreign data wrappers and servers. What looks like a secret among their options is never written down."""

from __future__ import annotations

import re
from collections.abc import Set

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address
from dbsync.schema.makers.attributes import changed_options, options_list
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Alteration, Maker, Scene, Step

_SECRET = re.compile(r"passw|secret|token|credential|api_?key|private_?key", re.IGNORECASE)


def _open(options: list[str] | None) -> list[str]:
    """The options that may be said."""
    return [option for option in options or () if not _SECRET.search(option.partition("=")[0])]


def _options(made: SchemaObject) -> str:
    listed = options_list(_open(made.parts["options"]))
    return f" OPTIONS ({listed})" if listed else ""


def _changed(present: SchemaObject, wanted: SchemaObject) -> Alteration:
    """Return the change of the options, those that hold secrets left as they are."""
    old, new = present.parts["options"] or [], wanted.parts["options"] or []
    words = changed_options(_open(old), _open(new))
    steps = (Step(f"ALTER {address(wanted)} OPTIONS ({words})", wanted.ref, "alter"),) if words else ()
    if set(old) - set(_open(old)) == set(new) - set(_open(new)):
        return Alteration(steps)
    reason = f"an option of {wanted.ref} holds a secret, which dbsync does not write into a plan"
    return Alteration(steps, unplanned=("options",), reason=reason)


class _Wrappers:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        words = [f"CREATE {address(wanted)}"]
        words += [f"{key.upper()} {wanted.parts[key]}" for key in ("handler", "validator") if wanted.parts[key]]
        return [Step(" ".join(words) + _options(wanted), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        words = []
        for key in ("handler", "validator"):
            if key in parts:
                given = wanted.parts[key]
                words.append(f"{key.upper()} {given}" if given else f"NO {key.upper()}")
        first = [Step(f"ALTER {address(wanted)} {' '.join(words)}", wanted.ref, "alter")] if words else []
        options = _changed(present, wanted) if "options" in parts else Alteration()
        return Alteration((*first, *options.steps), unplanned=options.unplanned, reason=options.reason)


class _Servers:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        words = [f"CREATE {address(wanted)}"]
        words += [f"{key.upper()} {literal(parts[key])}" for key in ("type", "version") if parts[key] is not None]
        words.append(f"FOREIGN DATA WRAPPER {name(parts['wrapper'])}{_options(wanted)}")
        return [Step(" ".join(words), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if fixed := sorted(parts & {"wrapper", "type"}):
            reason = f"{wanted.ref} has foreign tables and user mappings, which dbsync does not make anew"
            return Alteration(unplanned=tuple(fixed), reason=reason)
        first = []
        if "version" in parts:
            sql = f"ALTER {address(wanted)} VERSION {literal(wanted.parts['version'])}"
            first.append(Step(sql, wanted.ref, "alter"))
        options = _changed(present, wanted) if "options" in parts else Alteration()
        return Alteration((*first, *options.steps), unplanned=options.unplanned, reason=options.reason)


class _UserMappings:
    """What a mapping's options say is not read, as it may be a password: one without any can be made."""

    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        sql = f"CREATE USER MAPPING FOR {_who(wanted)} SERVER {name(wanted.ref.name)}"
        return [Step(sql, wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        sql = f"DROP USER MAPPING FOR {_who(present)} SERVER {name(present.ref.name)}"
        lost = f"what {_who(present)} says to the server {present.ref.name}"
        return [Step(sql, present.ref, "drop", destroys=None if present.parts["empty"] else lost)]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration(rebuild=True)


def _who(mapping: SchemaObject) -> str:
    return "PUBLIC" if mapping.parts["everybody"] else name(mapping.ref.sub)


MAKERS: dict[str, Maker] = {
    "foreign_data_wrapper": _Wrappers(), "server": _Servers(), "user_mapping": _UserMappings(),
}  # fmt: skip
