"""What SQLAlchemy's Inspector, or ``keys.sql``, tells about keys, indexes and comments, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbsync.model import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedKey:
    """A set of columns that a primary key, unique constraint or plain unique index holds unique."""

    name: str  # of the index, which a constraint shares
    columns: tuple[str, ...]
    primary: bool = False
    nulls_not_distinct: bool = False


@dataclass(slots=True)
class Inspected:
    """The Inspector's answers, collected schema by schema."""

    comments: dict[TableName, str] = field(default_factory=dict)
    keys: defaultdict[TableName, list[InspectedKey]] = field(default_factory=lambda: defaultdict(list))
    index_columns: dict[TableName, tuple[str, ...]] = field(default_factory=dict)  # by the index's name

    def add_comment(self, table: TableName, answer: Mapping[str, Any]) -> None:
        if answer["text"] is not None:
            self.comments[table] = answer["text"]

    def add_primary_key(self, table: TableName, answer: Mapping[str, Any]) -> None:
        if answer["name"] is not None:
            columns = tuple(answer["constrained_columns"])
            self.keys[table].append(InspectedKey(name=answer["name"], columns=columns, primary=True))
            self.index_columns[TableName(table.schema, answer["name"])] = columns

    def add_unique_constraints(self, table: TableName, answer: Iterable[Mapping[str, Any]]) -> None:
        for constraint in answer:
            self.keys[table].append(
                InspectedKey(
                    name=constraint["name"],
                    columns=tuple(constraint["column_names"]),
                    nulls_not_distinct=constraint["dialect_options"]["postgresql_nulls_not_distinct"],
                )
            )

    def add_indexes(self, table: TableName, answer: Iterable[Mapping[str, Any]]) -> None:
        for index in answer:
            elements = tuple(index.get("expressions") or index["column_names"])
            self.index_columns[TableName(table.schema, index["name"])] = elements
            options = index.get("dialect_options", {})
            whole = "expressions" not in index and "postgresql_where" not in options
            if index["unique"] and whole and "duplicates_constraint" not in index:
                distinct = not options.get("postgresql_nulls_not_distinct", False)
                self.keys[table].append(
                    InspectedKey(name=index["name"], columns=elements, nulls_not_distinct=not distinct)
                )


def inspected_by_catalog(rows: Mapping[str, Iterable[tuple[Any, ...]]]) -> Inspected:
    """What the Inspector would answer, from the rows of ``keys.sql``."""
    inspected = Inspected()
    for schema, table, comment in rows["comments"]:
        inspected.comments[TableName(schema, table)] = comment
    for schema, table, index, primary, unique, nulls_not_distinct, columns in rows["indexes"]:
        elements = tuple(columns)
        inspected.index_columns[TableName(schema, index)] = elements
        if unique:
            inspected.keys[TableName(schema, table)].append(
                InspectedKey(name=index, columns=elements, primary=primary, nulls_not_distinct=nulls_not_distinct)
            )
    return inspected
