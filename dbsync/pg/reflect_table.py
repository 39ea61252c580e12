"""Read of one relation what a look at its rows needs: its columns with their types, its keys, who inherits.

Two round trips, however large the database is. The queries are those that read a whole database, narrowed, so that
both tell the same. What else belongs to a relation (foreign keys, checks, triggers, comments, ...) is not read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dbsync.model import Catalog, TableName
from dbsync.pg.database import Session
from dbsync.pg.reflect import one_structure
from dbsync.pg.reflect_build import build_catalog
from dbsync.pg.reflect_keys import inspected_by_catalog
from dbsync.pg.round_trips import Question, ask, typed_rows
from dbsync.pg.sql import load

_FAMILY = load("one_table")["family"].encode()
_NOTHING: dict[str, list[tuple[object, ...]]] = {
    name: [] for name in load("catalog") if name not in ("database", "relations", "columns", "types", "indexes")
}
_DATABASE = load("catalog")["database"].encode()


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """A block whose first columns have these names, narrowed by a condition on them."""

    file: str
    block: str
    columns: bytes
    where: bytes

    def question(self, *values: bytes) -> Question:
        """The block as one statement."""
        text = load(self.file)[self.block].rstrip(";").encode()
        return Question(b"SELECT * FROM (%b\n) all_of_it (%b) WHERE %b" % (text, self.columns, self.where), values)


_BY_OID = (b"oid", b"oid = ANY ($1::pg_catalog.oid[])")
_RELATIONS = _Narrowed("catalog", "relations", *_BY_OID)
_COLUMNS = _Narrowed("catalog", "columns", *_BY_OID)
_TYPES = _Narrowed("catalog", "types", *_BY_OID)
_DEFINITIONS = _Narrowed("catalog", "type_definitions", *_BY_OID)
_INDEXES = _Narrowed("catalog", "indexes", *_BY_OID)
_KEYS = _Narrowed("keys", "indexes", b"schema, name", b"schema = $1 AND name = $2")


def reflect_table(session: Session, table: TableName) -> Catalog:
    """Reflect one relation in the session's snapshot; a catalog without it where there is none of that name.

    Relations that it inherits from, or that inherit from it, are listed without their columns.
    """
    name = (_text(table.schema), _text(table.name))
    (found,) = ask(session, [Question(_FAMILY, name)])
    ((mine, relatives, types, made),) = typed_rows(session, found)
    own, used = _array(mine), _array(types)
    questions = {
        "database": Question(_DATABASE),
        "relations": _RELATIONS.question(_array([*mine, *relatives])),
        "columns": _COLUMNS.question(own),
        "types": _TYPES.question(used),
        "indexes": _INDEXES.question(own),
        "keys": _KEYS.question(*name),
    }
    if made:
        questions["type_definitions"] = _DEFINITIONS.question(used)
    with one_structure():
        answers = ask(session, list(questions.values()))
    rows = {block: typed_rows(session, answer) for block, answer in zip(questions, answers, strict=True)}
    inspected = inspected_by_catalog({"indexes": rows.pop("keys"), "comments": []})
    return build_catalog(_NOTHING | rows, inspected)


def _text(name: str) -> bytes:
    """What finds no other table than this one; a name that no table can have finds none, or one with another name."""
    return b"" if "\0" in name else name.encode(errors="replace")


def _array(oids: Iterable[int]) -> bytes:
    return b"{%b}" % ",".join(map(str, oids)).encode()
