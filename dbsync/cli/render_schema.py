"""A catalog for people: a tree of everything, or a Markdown list of the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from dbsync.cli.tables import humane_count, humane_size, markdown_table
from dbsync.cli.terminal import escape
from dbsync.model import Catalog, Column, Routine, Sequence, Table, quote_identifier

_LABELS = {
    "partitioned": "partitioned table",
    "foreign": "foreign table",
    "matview": "materialised view",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A line of a tree and the lines below it."""

    text: str
    below: list[Node] = field(default_factory=list)


def tree_text(catalog: Catalog) -> Iterator[str]:
    """Yield the lines of the tree; what an extension owns is only counted."""
    yield escape(f"{catalog.database}  PostgreSQL {catalog.server_version}, {catalog.encoding}") + "\n"
    owned = Counter(thing.extension for thing in (*catalog.routines, *catalog.types) if thing.extension)
    nodes = [
        Node(
            f"extension {quote_identifier(name)} {version}"
            + (f", {owned[name]} routines and types" if owned[name] else "")
        )
        for name, version in sorted(catalog.extensions.items())
    ]
    nodes += [
        Node(f"schema {quote_identifier(schema)}", _schema(catalog, schema)) for schema in sorted(catalog.schemas)
    ]
    if catalog.large_objects:
        nodes.append(Node(f"{humane_count(catalog.large_objects)} large objects"))
    yield from _lines(nodes, "")


def _lines(nodes: list[Node], indent: str) -> Iterator[str]:
    for number, node in enumerate(nodes, 1):
        last = number == len(nodes)
        yield f"{indent}{'└── ' if last else '├── '}{escape(node.text)}\n"
        yield from _lines(node.below, indent + ("    " if last else "│   "))


def _schema(catalog: Catalog, schema: str) -> list[Node]:
    tables = [table for name, table in sorted(catalog.tables.items()) if name.schema == schema]
    sequences = [sequence for name, sequence in sorted(catalog.sequences.items()) if name.schema == schema]
    nodes = [Node(_relation(table), _parts(table)) for table in tables]
    nodes += [Node(_sequence(sequence)) for sequence in sequences if sequence.extension is None]
    nodes += [
        Node(
            f"type {quote_identifier(type_.name)}  {type_.kind}"
            + (f": {', '.join(type_.definition)}" if type_.definition else "")
        )
        for type_ in catalog.types
        if type_.schema == schema and type_.extension is None
    ]
    nodes += [
        Node(_routine(routine))
        for routine in catalog.routines
        if routine.name.schema == schema and routine.extension is None
    ]
    return nodes


def _relation(table: Table) -> str:
    facts = [table.persistence] if table.persistence != "permanent" else []
    facts += [f"partition of {table.partition_of} {table.partition_bound}"] if table.partition_of else []
    facts += [f"by {table.partition_key}"] if table.partition_key else []
    facts += [f"inherits {', '.join(map(str, table.inherits))}"] if table.inherits else []
    if table.kind in ("table", "matview"):
        facts.append(rows_text(table))
        facts.append(
            humane_size(table.size) + (f" + {humane_size(table.index_size)} indexes" if table.index_size else "")
        )
    facts += ["not populated"] if not table.populated else []
    facts += ["row-level security" + (" forced" if table.rls_forced else "")] if table.rls_enabled else []
    facts += [f"extension {table.extension}"] if table.extension else []
    facts += ["not readable by you"] if not any(column.readable for column in table.columns) and table.columns else []
    label = _LABELS.get(table.kind, table.kind)
    comment = f"  -- {table.comment}" if table.comment else ""
    return f"{label} {quote_identifier(table.name.name)}" + (f"  {', '.join(facts)}" if facts else "") + comment


def rows_text(table: Table) -> str:
    """The row estimate for people."""
    return f"about {humane_count(table.row_estimate)} rows" if table.row_estimate >= 0 else "rows not counted yet"


def _parts(table: Table) -> list[Node]:
    width = max((len(quote_identifier(column.name)) for column in table.columns), default=0)
    nodes = [Node(_column(column, min(width, 30))) for column in table.columns]
    nodes += [
        Node(f"{quote_identifier(index.constraint)}  {index.constraint_definition}")
        for index in sorted(table.indexes, key=lambda index: not index.primary)
        if index.constraint is not None
    ]
    nodes += [Node(f"{quote_identifier(key.name)}  {key.definition}") for key in table.foreign_keys]
    nodes += [
        Node(f"{quote_identifier(check.name)}  {check.definition}") for check in table.checks if check.kind == "check"
    ]
    nodes += [
        Node(
            index.definition.removeprefix("CREATE ").lower_first()
            if False
            else index.definition.removeprefix("CREATE ")
        )
        for index in table.indexes
        if index.constraint is None
    ]
    return nodes


def _column(column: Column, width: int) -> str:
    words = [f"{quote_identifier(column.name):<{width}} ", column.type.text]
    return " ".join(words)
