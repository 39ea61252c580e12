"""How text is compared and searched: collations, and the configurations and dictionaries of text search."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address
from dbsync.schema.makers.retyping import replaced
from dbsync.schema.makers.types import create_type
from dbsync.schema.objects import SchemaObject
from dbsync.schema.steps import Action, Alteration, Maker, Scene, Step

_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}
# A word, quoted or not, and its value as Postgres writes them into a dictionary's options.
_OPTION = re.compile(r"""("(?:[^"]|"")+"|\w+)\s*=\s*(?:E?'(?:[^']|'')*'|[^,]*)""")


class _Dropped:
    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]


class _Collations(_Dropped):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        facts = ", ".join(_collation_facts(wanted.parts))
        return [Step(f"CREATE {address(wanted)} ({facts})", wanted.ref, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        """Columns get the new one under the old name; their values stay, their indexes are built again."""

        def create(made: SchemaObject) -> list[Step]:
            return self.create(made, scene) if made.ref == wanted.ref else create_type(made, scene)

        return replaced(wanted, scene, create=create, using=lambda column: None)


def _collation_facts(parts: Mapping[str, Any]) -> list[str]:
    found = [f"PROVIDER = {_PROVIDERS[parts['collprovider']]}"]
    locale, collate, ctype = parts["locale"], parts.get("collcollate"), parts.get("collctype")
    if locale is not None or collate == ctype:
        found.append(f"LOCALE = {literal(locale if locale is not None else collate)}")
    else:
        found += [f"LC_COLLATE = {literal(collate)}", f"LC_CTYPE = {literal(ctype)}"]
    if not parts["collisdeterministic"]:
        found.append("DETERMINISTIC = false")
    if parts.get("collicurules") is not None:
        found.append(f"RULES = {literal(parts['collicurules'])}")
    return found


class _Configurations(_Dropped):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        first = Step(f"CREATE {address(wanted)} (PARSER = {wanted.parts['parser']})", wanted.ref, "create")
        return [first, *_mappings({}, wanted, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts != {"mappings"}:
            return Alteration(rebuild=True)
        return Alteration(tuple(_mappings(present.parts["mappings"] or {}, wanted, "alter")))


def _mappings(old: Mapping[str, list[str]], wanted: SchemaObject, action: Action) -> list[Step]:
    new = wanted.parts["mappings"] or {}
    found = [f"DROP MAPPING FOR {name(token)}" for token in sorted(old.keys() - new.keys())]
    for token, dictionaries in sorted(new.items()):
        if old.get(token) != dictionaries:
            verb = "ALTER" if token in old else "ADD"
            found.append(f"{verb} MAPPING FOR {name(token)} WITH {', '.join(dictionaries)}")
    return [Step(f"ALTER {address(wanted)} {words}", wanted.ref, action) for words in found]


class _Dictionaries(_Dropped):
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        parts = wanted.parts
        options = f", {parts['options']}" if parts["options"] else ""
        sql = f"CREATE {address(wanted)} (TEMPLATE = {parts['template']}{options})"
        return [Step(sql, wanted.ref, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts != {"options"}:
            return Alteration(rebuild=True)
        old, new = present.parts["options"] or "", wanted.parts["options"] or ""
        kept = set(_OPTION.findall(new))
        gone = [key for key in _OPTION.findall(old) if key not in kept]  # an option without a value is taken away
        words = ", ".join([*gone, *([new] if new else [])])
        return Alteration((Step(f"ALTER {address(wanted)} ({words})", wanted.ref, "alter"),))


class _OfFunctions(_Dropped):
    """Parsers and templates: a list of functions in C, which only a superuser makes."""

    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        facts = ", ".join(f"{key.upper()} = {function}" for key, function in wanted.parts.items() if function)
        return [Step(f"CREATE {address(wanted)} ({facts})", wanted.ref, "create")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration(rebuild=True)


MAKERS: dict[str, Maker] = {
    "collation": _Collations(),
    "ts_configuration": _Configurations(),
    "ts_dictionary": _Dictionaries(),
    "ts_parser": _OfFunctions(),
    "ts_template": _OfFunctions(),
}
