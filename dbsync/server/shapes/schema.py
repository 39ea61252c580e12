"""A catalog as the frontend's schema, its list of tables, and its pages of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from dbsync.data.explore import Explorer, Page
from dbsync.data.totals import Total, count_tables, listed_tables
from dbsync.model import Column, Index, Table, TableName
from dbsync.server.names import wire_name
from dbsync.server.places import Place
from dbsync.server.shapes.values import json_rows
from dbsync.server.times import now
from dbsync.server.wire.databases import (
    ListedColumn,
    ListedTable,
    NamedEnd,
    RowColumn,
    RowPage,
    RowPaging,
    RowTable,
    SchemaColumn,
    SchemaForeignKey,
    SchemaReport,
    SchemaTable,
    TableList,
)

_FIRST_COLUMNS = 5


def schema_report(place: Place, explorer: Explorer) -> SchemaReport:
    """Every table that people see."""
    tables = listed_tables(explorer)
    totals = count_tables(explorer, tables)
    return SchemaReport(
        connection_id=place.id,
        connection_name=place.name,
        environment=place.environment,
        tables=[_schema_table(table, totals[table.name]) for table in tables],
        total_tables=len(tables),
        total_rows=sum(total.rows or 0 for total in totals.values()),
        syncable_tables=[wire_name(table.name) for table in tables if "SELECT" in table.privileges],
        version=f"PostgreSQL {explorer.catalog.server_version}",
        inspected_at=now(),
    )


def table_list(place: Place, explorer: Explorer) -> TableList:
    """The tables with their sizes."""
    tables = listed_tables(explorer)
    totals = count_tables(explorer, tables)
    sizes = {table.name: _size(table, explorer.catalog.tables) for table in tables}
    return TableList(
        tables=[_listed_table(table, totals[table.name], sizes[table.name]) for table in tables],
        total=len(tables),
        connection=NamedEnd(id=place.id, name=place.name, environment=place.environment),
    )


def row_page(table: Table, found: Page, total: Total, *, page: int, limit: int) -> RowPage:
    """A page of rows."""
    primary = _primary(table)
    offset = (page - 1) * limit
    at_least = offset + len(found.rows) + (1 if found.more else 0)
    rows = max(total.rows or 0, at_least)
    return RowPage(
        rows=json_rows([(column.name, column.type.name) for column in found.columns], found.rows),
        columns=[_row_column(column, primary) for column in found.columns],
        pagination=RowPaging(
            page=page,
            limit=limit,
            total_rows=rows,
            total_rows_exact=total.exact,
            total_pages=math.ceil(rows / limit),
            has_next=found.more,
            has_prev=page > 1,
        ),
        table=RowTable(name=wire_name(table.name), primary_key=primary[0] if len(primary) == 1 else None, key=primary),
        total=rows,
        page=page,
        limit=limit,
        has_more=found.more,
        notes=list(found.notes),
    )


def _schema_table(table: Table, total: Total) -> SchemaTable:
    primary = _primary(table)
    references = _references(table)
    return SchemaTable(
        name=wire_name(table.name),
        table_name=wire_name(table.name),
        columns=[_schema_column(column, primary, references.get(column.name)) for column in table.columns],
        row_count=total.rows,
        row_count_exact=total.exact,
        primary_keys=primary,
        foreign_keys=[
            SchemaForeignKey(column=name, references=f"{wire_name(key.ref_table)}({ref})")
            for key in table.foreign_keys
            for name, ref in zip(key.columns, key.ref_columns, strict=True)
        ],
        indexes=[_index(index) for index in table.indexes],
    )


def _schema_column(column: Column, primary: Sequence[str], reference: str | None) -> SchemaColumn:
    return SchemaColumn(
        name=column.name,
        type=column.type.text,
        nullable=column.nullable,
        default_value=column.default,
        is_primary_key=column.name in primary,
        is_foreign_key=reference is not None,
        foreign_key_ref=reference,
        column_name=column.name,
        data_type=column.type.text,
        is_nullable=column.nullable,
        column_default=column.default,
    )


def _references(table: Table) -> Mapping[str, str]:
    return {
        name: f"{wire_name(key.ref_table)}.{ref}"
        for key in table.foreign_keys
        for name, ref in zip(key.columns, key.ref_columns, strict=True)
    }


def _index(index: Index) -> str:
    return f"{index.name.name} ({', '.join(index.columns)}){' UNIQUE' if index.unique else ''}"


def _listed_table(table: Table, total: Total, size: int) -> ListedTable:
    primary = _primary(table)
    return ListedTable(
        name=wire_name(table.name),
        row_count=total.rows,
        row_count_exact=total.exact,
        column_count=len(table.columns),
        size_bytes=size,
        columns=[
            ListedColumn(
                name=column.name,
                type=column.type.name,
                nullable=column.nullable,
                is_primary_key=column.name in primary,
            )
            for column in table.columns[:_FIRST_COLUMNS]
        ],
        has_primary_key=bool(primary),
        foreign_key_count=len(table.foreign_keys),
    )


def _size(table: Table, tables: Mapping[TableName, Table]) -> int:
    """Bytes with its partitions'."""
    parts = [each for each in tables.values() if each.partition_of == table.name]
    return table.size + table.index_size + sum(_size(each, tables) for each in parts)


def _row_column(column: Column, primary: Sequence[str]) -> RowColumn:
    return RowColumn(
        name=column.name,
        type=column.type.name,
        nullable=column.nullable,
        is_primary_key=column.name in primary,
        default_value=column.default,
    )


def _primary(table: Table) -> list[str]:
    return list(table.primary_key.columns) if table.primary_key is not None else []
