"""Read what a script of CREATE statements needs beyond the Catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dbsync.pg.database import Session
from dbsync.pg.sql import load

_LATER = ("index ", "trigger ", "policy ")


class Part(NamedTuple):
    """An object, or something of a relation that a statement of its own can add."""

    kind: Literal["relation", "type", "routine", "other"]
    oid: int
    name: str = ""  # "default COLUMN", "constraint NAME", "index NAME", ...; nothing for the object itself


@dataclass(frozen=True, slots=True, kw_only=True)
class DdlFacts:
    """What goes first, and statements that the Catalog has no place for."""

    keywords: frozenset[str]
    extensions: Mapping[str, str]  # name -> schema, in an order that loads
    owned_schemas: frozenset[str]  # made by an extension
    needs: Mapping[Part, frozenset[Part]]
    needs_later: Mapping[Part, frozenset[Part]]  # of indexes, triggers and policies: made after all objects
    collations: tuple[str, ...]
    not_nulls: Mapping[tuple[int, str], tuple[str, str]]  # relation and column -> what stands around NOT NULL
    late_not_nulls: Mapping[int, tuple[str, ...]]  # relation -> statements: of those not validated
    inherited: frozenset[tuple[int, str]]  # a child and "column NAME", "constraint NAME", "not_null COLUMN"
    validations: tuple[tuple[int, str], ...]  # relation, statement
    settings: tuple[tuple[Part, str], ...]
    statistics: tuple[tuple[int, str], ...]  # relation, statement
    comments: tuple[tuple[Part, str], ...]
    not_held: Mapping[str, int]  # kind of object -> how many there are


def read_ddl_facts(session: Session) -> DdlFacts:
    """Read the facts for all of the session's database."""
    rows = {name: session.execute(query) for name, query in load("ddl").items()}
    needs: defaultdict[Part, set[Part]] = defaultdict(set)
    later: defaultdict[Part, set[Part]] = defaultdict(set)
    for kind, oid, name, *needed in rows["needs"]:
        (later if name.startswith(_LATER) else needs)[Part(kind, oid, name)].add(Part(*needed))
    late: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    for oid, statement in rows["late_not_nulls"]:
        late[oid] += (statement,)
    return DdlFacts(
        keywords=frozenset(word for (word,) in rows["keywords"]),
        extensions=dict(rows["extensions"]),
        owned_schemas=frozenset(schema for (schema,) in rows["owned_schemas"]),
        needs={part: frozenset(needed) for part, needed in needs.items()},
        needs_later={part: frozenset(needed) for part, needed in later.items()},
        collations=tuple(statement for (statement,) in rows["collations"]),
        not_nulls={(oid, column): (before, after) for oid, column, before, after in rows["not_nulls"]},
        late_not_nulls=dict(late),
        inherited=frozenset((oid, part) for oid, part in rows["inherited"]),
        validations=tuple((oid, statement) for oid, statement in rows["validations"]),
        settings=tuple((Part("relation", oid, part), statement) for oid, part, statement in rows["settings"]),
        statistics=tuple((oid, statement) for oid, statement in rows["statistics"] if statement is not None),
        comments=tuple((Part(kind, oid, name), statement) for kind, oid, name, statement in rows["comments"]),
        not_held=dict(rows["not_held"]),
    )
