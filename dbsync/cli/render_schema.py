"""A catalog for people: a tree of everything, or a Markdown list of the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from dbsync.cli.tables import humane_count, humane_size, markdown_table
from dbsync.cli.terminal import escape
from dbsync.model import Catalog, Column, ColumnType, Policy, Routine, Sequence, Table, quote_identifier

_LABELS = {"partitioned": "partitioned table", "foreign": "foreign table", "matview": "materialised view"}


@dataclass(frozen=True, slots=True)
class Node:
    """A line of a tree and the lines below it."""

    text: str
    below: list[Node] = field(default_factory=list)


def tree_text(catalog: Catalog) -> Iterator[str]:
    """Yield the lines of the tree; the routines and types of an extension are only counted."""
    yield escape(f"{catalog.database}  PostgreSQL {catalog.server_version}, {catalog.encoding}") + "\n"
    owned = Counter(routine.extension for routine in catalog.routines)
    owned.update(type_.extension for type_ in catalog.types)
    nodes = []
    for name, version in sorted(catalog.extensions.items()):
        count = f", {owned[name]} routines and types" if owned[name] else ""
        nodes.append(Node(f"extension {quote_identifier(name)} {version}{count}"))
    for schema in sorted(catalog.schemas):
        nodes.append(Node(f"schema {quote_identifier(schema)}", list(_schema(catalog, schema))))
    if catalog.large_objects:
        nodes.append(Node(f"{humane_count(catalog.large_objects)} large objects"))
    yield from _lines(nodes, "")


def markdown_text(catalog: Catalog) -> Iterator[str]:
    """Yield a Markdown table of the relations."""
    rows = [
        (
            str(name),
            _LABELS.get(table.kind, table.kind),
            humane_count(table.row_estimate) if table.row_estimate >= 0 else None,
            humane_size(table.size + table.index_size) if table.kind in ("table", "matview") else None,
            ", ".join(table.primary_key.columns) if table.primary_key else None,
            table.comment,
        )
        for name, table in sorted(catalog.tables.items())
    ]
    yield from markdown_table(
        ("table", "kind", "rows (estimate)", "size", "primary key", "comment"), rows, right=(2, 3)
    )


def rows_text(table: Table) -> str:
    """The row estimate for people."""
    return f"about {humane_count(table.row_estimate)} rows" if table.row_estimate >= 0 else "rows not estimated"


def _lines(nodes: list[Node], indent: str) -> Iterator[str]:
    for number, node in enumerate(nodes, 1):
        last = number == len(nodes)
        yield f"{indent}{'└── ' if last else '├── '}{escape(node.text.rstrip())}\n"
        yield from _lines(node.below, indent + ("    " if last else "│   "))


def _schema(catalog: Catalog, schema: str) -> Iterator[Node]:
    for name, table in sorted(catalog.tables.items()):
        if name.schema == schema:
            yield Node(_relation(table), list(_parts(table)))
    for name, sequence in sorted(catalog.sequences.items()):
        if name.schema == schema and sequence.extension is None:
            yield Node(_sequence(sequence))
    for type_ in catalog.types:
        if type_.schema == schema and type_.extension is None:
            yield Node(_type(type_))
    for routine in catalog.routines:
        if routine.name.schema == schema and routine.extension is None:
            yield Node(_routine(routine))


def _relation(table: Table) -> str:
    facts: list[str] = [table.persistence] if table.persistence != "permanent" else []
    if table.partition_of:
        facts.append(f"partition of {table.partition_of} {table.partition_bound}")
    if table.partition_key:
        facts.append(f"by {table.partition_key}")
    if table.inherits:
        facts.append(f"inherits {', '.join(map(str, table.inherits))}")
    if table.kind in ("table", "matview"):
        indexes = f" + {humane_size(table.index_size)} indexes" if table.index_size else ""
        facts += [rows_text(table), humane_size(table.size) + indexes]
    if not table.populated:
        facts.append("not populated")
    if table.rls_enabled:
        facts.append("row-level security" + (", forced" if table.rls_forced else ""))
    if table.extension:
        facts.append(f"of extension {quote_identifier(table.extension)}")
    if table.columns and not any(column.readable for column in table.columns):
        facts.append("you may not read it")
    comment = f"  -- {table.comment}" if table.comment else ""
    return f"{_LABELS.get(table.kind, table.kind)} {quote_identifier(table.name.name)}  {', '.join(facts)}{comment}"


def _parts(table: Table) -> Iterator[Node]:
    width = min(max((len(quote_identifier(column.name)) for column in table.columns), default=0), 30)
    for column in table.columns:
        yield Node(_column(column, width))
    for index in sorted(table.indexes, key=lambda index: not index.primary):
        if index.constraint is not None:
            yield Node(f"constraint {quote_identifier(index.constraint)}  {index.constraint_definition}")
    for key in table.foreign_keys:
        yield Node(f"constraint {quote_identifier(key.name)}  {key.definition}")
    for check in table.checks:
        if check.kind == "check":
            yield Node(f"constraint {quote_identifier(check.name)}  {check.definition}")
    for index in table.indexes:
        if index.constraint is None:
            invalid = "" if index.valid else "  (invalid)"
            _, _, method = index.definition.partition(" USING ")
            word = "unique index" if index.unique else "index"
            yield Node(f"{word} {quote_identifier(index.name.name)}  {method}{invalid}")
    for trigger in table.triggers:
        state = "" if trigger.state == "enabled" else f"  ({trigger.state})"
        yield Node(trigger.definition.removeprefix("CREATE ").replace("TRIGGER", "trigger", 1) + state)
    for policy in table.policies:
        yield Node(_policy(policy))
    for rule in table.rules:
        yield Node(" ".join(rule.removeprefix("CREATE ").replace("RULE", "rule", 1).split()))


def _column(column: Column, width: int) -> str:
    facts = [column.type.text]
    if column.collation:
        facts.append(f"collate {column.collation}")
    if not column.nullable:
        facts.append("not null")
    if column.identity:
        facts.append(f"identity {column.identity}")
    if column.generated:
        facts.append(f"generated {column.generated}: {column.generation}")
    if column.default is not None:
        facts.append(f"default {column.default}")
    if column.comment:
        facts.append(f"-- {column.comment}")
    return f"{quote_identifier(column.name):<{width}}  {'  '.join(facts)}"


def _policy(policy: Policy) -> str:
    words = f"policy {quote_identifier(policy.name)}  {'' if policy.permissive else 'restrictive '}{policy.command}"
    words += f" to {', '.join(policy.roles)}"
    words += f" using ({policy.using})" if policy.using is not None else ""
    return words + (f" check ({policy.check})" if policy.check is not None else "")


def _sequence(sequence: Sequence) -> str:
    facts = [sequence.data_type]
    if sequence.increment != 1:
        facts.append(f"by {sequence.increment}")
    if sequence.cycle:
        facts.append("cycle")
    if sequence.owned_by:
        table, column = sequence.owned_by
        facts.append(f"{'identity of' if sequence.identity else 'owned by'} {table}.{quote_identifier(column)}")
    return f"sequence {quote_identifier(sequence.name.name)}  {', '.join(facts)}"


def _type(type_: ColumnType) -> str:
    return f"type {quote_identifier(type_.name)}  {type_.kind}: {', '.join(type_.definition)}".removesuffix(": ")


def _routine(routine: Routine) -> str:
    returns = f" returns {routine.returns}" if routine.returns else ""
    return f"{routine.kind} {quote_identifier(routine.name.name)}({routine.arguments}){returns}  {routine.language}"
