"""Read a whole schema as a ``Snapshot``: some twenty queries in one read-only transaction.

What extensions made is left out (the extension itself is an object), and so is dbsync's own ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbsync.pg.database import Session
from dbsync.pg.sql import load
from dbsync.schema.diff import is_implied
from dbsync.schema.objects import DEPENDANTS, RELATIONS, Grant, Ref, SchemaObject, Snapshot, attached_to

Address = tuple[int, int, int]

_SQL = load("snapshot")
_OBJECTS = (
    "schemas", "extensions", "types", "relations", "partitions", "inheritance", "columns", "defaults", "sequences",
    "constraints", "indexes", "routines", "triggers", "rules", "policies", "event_triggers", "statistics",
    "publications", "foreign_data", "casts", "operators", "operator_classes", "collations", "text_search",
    "default_privileges", "others",
)  # fmt: skip
# Objects that sit at the address of their table: their edges in the catalogs are the table's.
_SHARED_ADDRESS = frozenset({"partition", "inheritance"})


def take_snapshot(session: Session) -> Snapshot:
    """Read everything in one transaction that sees one moment. Raises StatementFailed."""
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        session.execute("SET LOCAL jit = off")
        return read_snapshot(session)


def read_snapshot(session: Session) -> Snapshot:
    """Read everything in the transaction that the session is in. Raises StatementFailed."""
    return _Reading(session).snapshot()


class _Reading:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.members = {(classid, objid): extension for classid, objid, extension in session.execute(_SQL["members"])}
        self.refs: dict[Address, Ref] = {}
        self.extensions: dict[int, Ref] = {}
        self.stand_ins: dict[tuple[int, int], Address] = {}
        self.unmapped_comments = self.unmapped_extensions = 0

    def snapshot(self) -> Snapshot:
        found = list(self._rows())
        grants, comments = self._grants(), self._comments()
        schemas, filters = self._publication_schemas(), self._publication_filters()
        extensions = {(c, o): names for c, o, names in self.session.execute(_SQL["extension_dependants"])}
        objects = {}
        for address, ref, owner, parts in found:
            if ref.kind in DEPENDANTS:
                parts = {**parts, "extensions": extensions.pop(address[:2], None)}
            if ref.kind == "column" and parts.get("identity"):
                sequence = (address[0], parts["identity"].pop("oid"), 0)
                held = sorted([*grant] for grant in grants.get(sequence, ()))
                parts["identity"] |= {"grants": held, "comment": comments.pop(sequence, None)}
            if ref.kind == "publication" and schemas is not None:
                parts = {**parts, "schemas": schemas.get(address[1])}
            if ref.kind == "publication":
                parts = {**parts, "tables": _filtered(address[1], parts["tables"], filters)}
            shared = ref.kind in _SHARED_ADDRESS
            objects[ref] = SchemaObject(
                ref, parts, owner,
                frozenset() if shared else grants.get(address, frozenset()),
                None if shared else comments.pop(address, None),
            )  # fmt: skip
        copies = sum(1 for made in objects.values() if made.comment and is_implied(made))
        self.unmapped_comments = copies + sum(1 for address in comments if self._is_ours(address))
        self.unmapped_extensions = len(extensions.keys() - self.members.keys())
        ((encoding,),) = self.session.execute(
            "SELECT pg_catalog.pg_encoding_to_char(encoding) FROM pg_catalog.pg_database"
            " WHERE datname = pg_catalog.current_database()"
        )
        return Snapshot(
            server_version_num=self.session.server_version_num,
            objects=objects,
            needs=self._needs(objects),
            encoding=encoding,
            uncompared=self._uncompared(),
        )

    def _rows(self) -> Iterator[tuple[Address, Ref, str | None, dict[str, Any]]]:
        for block in _OBJECTS:
            for classid, objid, part, kind, schema, name, sub, arguments, owner, parts in self.session.execute(
                _SQL[block]
            ):
                if (classid, objid) in self.members:
                    continue
                ref = Ref(kind, schema, name, sub, arguments)
                address = (classid, objid, part)
                if kind not in _SHARED_ADDRESS:
                    self.refs[address] = ref
                if kind == "extension":
                    self.extensions[objid] = ref
                yield address, ref, owner, parts

    def _grants(self) -> Mapping[Address, frozenset[Grant]]:
        rows = self.session.execute(_SQL["privileges"])
        return {(c, o, s): frozenset(Grant(*grant) for grant in grants) for c, o, s, grants in rows}

    def _comments(self) -> dict[Address, str]:
        return {(c, o, s): text for c, o, s, text in self.session.execute(_SQL["comments"])}

    def _publication_schemas(self) -> Mapping[int, list[str]] | None:
        if self.session.server_version_num < 150000:
            return None
        return dict(self.session.execute(_SQL["publication_schemas"]))

    def _publication_filters(self) -> Mapping[tuple[int, str, str], str]:
        if self.session.server_version_num < 150000:
            return {}
        rows = self.session.execute(_SQL["publication_filters"])
        return {(publication, schema, table): condition for publication, schema, table, condition in rows}

    def _is_ours(self, address: Address) -> bool:
        return (address[0], address[1]) not in self.members and self._ref(address) is not None

    def _needs(self, objects: Mapping[Ref, SchemaObject]) -> Mapping[Ref, frozenset[Ref]]:
        self.stand_ins = {(c, o): (rc, ro, rs) for c, o, rc, ro, rs in self.session.execute(_SQL["stand_ins"])}
        needs: dict[Ref, set[Ref]] = {ref: set() for ref in objects}
        for c, o, s, rc, ro, rs in self.session.execute(_SQL["dependencies"]):
            dependent, needed = self._ref((c, o, s)), self._ref((rc, ro, rs))
            if dependent is not None and needed is not None and dependent != needed:
                needs[dependent] |= {needed, *_relation_of(needed, objects)}
        for ref, made in objects.items():
            needs[ref] |= _belongs_to(made, objects)
            needs[ref].discard(ref)
        return {ref: frozenset(others) for ref, others in needs.items()}

    def _ref(self, address: Address) -> Ref | None:
        """The object at an address, or the one that it stands for; of an extension's things, the extension."""
        for _ in range(4):  # an array of a row type of a table: three steps
            found = self.refs.get(address) or self.refs.get((address[0], address[1], 0))
            if found is None and (address[0], address[1]) in self.members:
                found = self.extensions.get(self.members[address[0], address[1]])
            if found is not None:
                return found
            other = self.stand_ins.get((address[0], address[1]))
            if other is None:
                return None
            address = other
        return None

    def _uncompared(self) -> Mapping[str, int]:
        found = {f"security label ({provider})": n for provider, n in self.session.execute(_SQL["security_labels"])}
        found |= {kind: number for kind, number in self.session.execute(_SQL["uncounted"]) if number}
        if self.unmapped_comments:
            found["comment on a part"] = self.unmapped_comments
        if self.unmapped_extensions:
            found["dependence of a part on an extension"] = self.unmapped_extensions
        return found


def _relation_of(ref: Ref, objects: Mapping[Ref, SchemaObject]) -> Iterator[Ref]:
    """What needs a column needs its relation."""
    if ref.kind == "column":
        for kind in RELATIONS:
            if (relation := Ref(kind, ref.schema, ref.name)) in objects:
                yield relation


def _filtered(
    publication: int, tables: list[dict[str, Any]] | None, filters: Mapping[tuple[int, str, str], str]
) -> list[dict[str, Any]] | None:
    """The tables of a publication with the conditions on their rows."""
    if tables is None:
        return None
    return [{**table, "where": filters.get((publication, table["schema"], table["name"]))} for table in tables]


def _belongs_to(made: SchemaObject, objects: Mapping[Ref, SchemaObject]) -> set[Ref]:
    """Edges that pg_depend does not hold, because it says them by other means."""
    ref, parts = made.ref, made.parts
    found = set()
    if ref.schema and Ref("schema", "", ref.schema) in objects:
        found.add(Ref("schema", "", ref.schema))
    if ref.kind in ("partition", "inheritance"):
        found |= {Ref("table", ref.schema, ref.name), Ref("table", parts["parent_schema"], parts["parent"])}
    if ref.kind in ("column", "default", "constraint", "trigger", "rule", "policy", "domain_constraint"):
        found |= {
            other for kind in (*sorted(RELATIONS), "domain") if (other := Ref(kind, ref.schema, ref.name)) in objects
        }
    if ref.kind == "default":
        found.add(Ref("column", ref.schema, ref.name, ref.sub))
    if ref.kind == "index":
        found |= {other for kind in ("table", "matview") if (other := Ref(kind, ref.schema, parts["table"])) in objects}
    if above := attached_to(made):
        found.add(above)
    return found
