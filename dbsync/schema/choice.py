"""PURE: which objects of two schemas are compared: names, schemas, kinds and attributes that the user chose.

What belongs to a table goes with it: its columns, constraints, indexes, triggers, rules, policies, statistics,
and the sequences that it owns. What is left out is counted, so that it can be said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from dbsync.errors import ConfigError
from dbsync.model import TableName
from dbsync.schema.objects import MEMBERS, RELATIONS, Ref, Snapshot
from dbsync.selection import select_tables

# What --ignore knows beside the kinds of objects: a word, and the parts of objects that it stands for.
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "owner": frozenset({"owner"}),
    "privileges": frozenset({"privileges"}),
    "comments": frozenset({"comments"}),
    "tablespace": frozenset({"tablespace", "index_tablespace"}),
    "storage": frozenset({"storage", "compression", "access_method"}),
    "options": frozenset({"options", "toast_options"}),
    "statistics_targets": frozenset({"statistics", "target"}),
    "replica_identity": frozenset({"replica_identity"}),
    "column_order": frozenset(),
}
KINDS = frozenset(
    {
        "access_method", "aggregate", "cast", "collation", "composite", "constraint", "conversion", "default",
        "default_privileges", "domain", "enum", "event_trigger", "extension", "foreign_data_wrapper", "function",
        "index", "language", "matview", "operator", "operator_class", "operator_family", "policy", "procedure",
        "publication", "range", "rule", "schema", "sequence", "server", "statistics", "transform", "trigger",
        "ts_configuration", "ts_dictionary", "ts_parser", "ts_template", "user_mapping", "view",
    }
)  # fmt: skip
_ALSO = {"privileges": "default_privileges"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the options say. ``ignore`` holds words of ATTRIBUTES and KINDS."""

    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    ignore: frozenset[str] = frozenset()

    @property
    def ignored_parts(self) -> frozenset[str]:
        """Names of parts, as ``compare_schemas`` takes them."""
        return frozenset[str]().union(*(ATTRIBUTES[word] for word in self.ignore & ATTRIBUTES.keys()))

    @property
    def ignored_kinds(self) -> frozenset[str]:
        """Kinds of objects that are not looked at."""
        return (self.ignore & KINDS) | {_ALSO[word] for word in self.ignore & _ALSO.keys()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Both schemas, with what is to be compared only, and the number of objects left out by kind."""

    source: Snapshot
    target: Snapshot
    left_out: Mapping[str, int]


def parse_ignored(texts: Iterable[str]) -> frozenset[str]:
    """Read ``owner,privileges`` and ``trigger``; raise ConfigError for a word that means nothing here."""
    words = [word.strip().lower().replace("-", "_") for text in texts for word in text.split(",")]
    known = ATTRIBUTES.keys() | KINDS
    for word in words:
        if word not in known:
            near = get_close_matches(word, sorted(known), n=1)
            raise ConfigError(
                f"--ignore {word!r} is neither an attribute nor a kind of object",
                hint=f"did you mean {near[0]}?" if near else f"attributes: {', '.join(ATTRIBUTES)}; or a kind: trigger",
            )
    return frozenset(words)


def choose(source: Snapshot, target: Snapshot, choice: Choice) -> Chosen:
    """Keep what the choice names on both sides; raise ConfigError for a pattern that matches nothing on either."""
    if not (choice.tables or choice.exclude or choice.schemas or choice.ignored_kinds):
        return Chosen(source=source, target=target, left_out={})
    kept = _Kept(source, target, choice)
    sides = []
    left_out = set()
    for side in (source, target):
        refs = {ref for ref in side.objects if kept.holds(ref, side)}
        left_out |= side.objects.keys() - refs
        sides.append(side if len(refs) == len(side.objects) else side.limited_to(refs))
    counted = Counter(ref.kind for ref in left_out)
    return Chosen(source=sides[0], target=sides[1], left_out=dict(sorted(counted.items())))


def home_of(ref: Ref, side: Snapshot) -> Ref | None:
    """The relation that an object is or belongs to, None for one that stands alone."""
    if ref.kind in RELATIONS:
        return ref
    made = side.objects[ref]
    place: Collection[str] | None = None
    if ref.kind in MEMBERS:
        place = (ref.schema, ref.name)
    elif ref.kind == "index":
        place = (ref.schema, made.parts["table"])
    elif ref.kind == "sequence" and made.parts["owned_by"]:
        place = made.parts["owned_by"][:2]
    elif ref.kind == "statistics":
        return min((needed for needed in side.needs[ref] if needed.kind in RELATIONS), default=None)
    if place is None:
        return None
    homes = (Ref(kind, *place) for kind in sorted(RELATIONS))
    return next((home for home in homes if home in side.objects), None)


class _Kept:
    def __init__(self, source: Snapshot, target: Snapshot, choice: Choice) -> None:
        objects = source.objects.keys() | target.objects.keys()
        self.kinds = choice.ignored_kinds
        self.by_table = bool(choice.tables)
        names = {TableName(ref.schema, ref.name) for ref in objects if ref.kind in RELATIONS}
        self.tables = _tables(names, choice, (source, target))
        self.schemas = _schemas({ref.name for ref in objects if ref.kind == "schema"}, choice.schemas)

    def holds(self, ref: Ref, side: Snapshot) -> bool:
        home = home_of(ref, side)
        if ref.kind in self.kinds or home is not None and home.kind in self.kinds:
            return False
        if self.schemas is not None and (ref.name if ref.kind == "schema" else ref.schema) not in self.schemas:
            return False
        if home is None:
            return not self.by_table
        return TableName(home.schema, home.name) in self.tables


def _tables(names: set[TableName], choice: Choice, sides: Iterable[Snapshot]) -> set[TableName]:
    """The tables that the patterns name; a partitioned one stays or goes with all its partitions."""
    chosen, out = set(names), set[TableName]()
    parents = {
        TableName(ref.schema, ref.name): TableName(made.parts["parent_schema"], made.parts["parent"])
        for side in sides
        for ref, made in side.objects.items()
        if ref.kind == "partition"
    }
    if choice.tables:
        chosen = set(select_tables(names, include=choice.tables, where="either database"))
    if choice.exclude:
        out = names - set(select_tables(names, exclude=choice.exclude, where="either database"))
    for one in names:
        above = parents.get(one)
        while above is not None:
            if above in chosen:
                chosen.add(one)
            if above in out:
                out.add(one)
            above = parents.get(above)
    return chosen - out


def _schemas(known: set[str], patterns: Collection[str]) -> set[str] | None:
    """The schemas that the patterns name, None for all."""
    if not patterns:
        return None
    chosen = set()
    for text in patterns:
        pattern = _name_pattern(text)
        found = {name for name in known if pattern.fullmatch(name)}
        if not found:
            near = get_close_matches(text, sorted(known), n=1)
            hint = f"did you mean {near[0]}?" if near else "list them with: dbsync schema"
            raise ConfigError(f"no schema matches {text!r} in either database", hint=hint, code="NO_SUCH_SCHEMA")
        chosen |= found
    return chosen


def _name_pattern(text: str) -> re.Pattern[str]:
    """``app_*``, or a name in double quotes, which is taken literally."""
    if len(text) > 2 and text[0] == text[-1] == '"':
        return re.compile(re.escape(text[1:-1].replace('""', '"')))
    return re.compile("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in text), re.DOTALL)
