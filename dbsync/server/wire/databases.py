"""Connections, schemas, tables and rows as the frontend reads them."""

from __future__ import annotations

from typing import Any

from dbsync.server.wire.envelope import Shape


class SavedConnection(Shape):
    """A saved connection; its URL stays where it is."""

    id: str
    name: str
    environment: str | None
    protected: bool
    read_only: bool
    keep_alive: bool
    url: str
    last_pinged_at: str | None
    created_at: str
    updated_at: str


class TestResult(Shape):
    """Whether a database can be reached and used."""

    connected: bool
    status: str
    version: str
    table_count: int | None
    response_time: str
    tested_at: str
    checks: list[dict[str, Any]]


class SchemaColumn(Shape):
    """A column, under its older and its newer names."""

    name: str
    type: str
    nullable: bool
    default_value: str | None
    is_primary_key: bool
    is_foreign_key: bool
    foreign_key_ref: str | None
    column_name: str
    data_type: str
    is_nullable: bool
    column_default: str | None


class SchemaForeignKey(Shape):
    """A foreign key: ``table(column)``."""

    column: str
    references: str


class SchemaTable(Shape):
    """A table of a schema."""

    name: str
    table_name: str
    columns: list[SchemaColumn]
    row_count: int | None
    row_count_exact: bool
    primary_keys: list[str]
    foreign_keys: list[SchemaForeignKey]
    indexes: list[str]


class SchemaReport(Shape):
    """A whole schema."""

    connection_id: str
    connection_name: str
    environment: str
    tables: list[SchemaTable]
    total_tables: int
    total_rows: int
    syncable_tables: list[str]
    version: str
    inspected_at: str


class StatementOutcome(Shape):
    """One statement, cut to 80 characters, and what became of it."""

    statement: str
    success: bool
    error: str | None = None
    rows_affected: int | None = None


class Execution(Shape):
    """What statements did. ``rows`` are those of the last one that gave any."""

    rows: list[dict[str, Any]]
    row_count: int
    columns: list[dict[str, str]]
    truncated: bool
    total_statements: int
    successful_statements: int
    failed_statements: int
    results: list[StatementOutcome]
    committed: bool
    warnings: list[str]
    message: str


class KeepAlive(Shape):
    """Whether a database answers."""

    alive: bool
    duration: str
    timestamp: str
    error: str | None = None


class ListedColumn(Shape):
    """A column in a list of tables."""

    name: str
    type: str
    nullable: bool
    is_primary_key: bool


class ListedTable(Shape):
    """A table in a list; ``columns`` are its first five."""

    name: str
    row_count: int | None
    row_count_exact: bool
    column_count: int
    size_bytes: int | None
    columns: list[ListedColumn]
    has_primary_key: bool
    foreign_key_count: int


class NamedEnd(Shape):
    """A database as it is shown."""

    id: str
    name: str
    environment: str


class TableList(Shape):
    """The tables of a database."""

    tables: list[ListedTable]
    total: int
    connection: NamedEnd


class RowColumn(Shape):
    """A column of a page of rows."""

    name: str
    type: str
    nullable: bool
    is_primary_key: bool
    default_value: str | None


class RowPaging(Shape):
    """Which page it is."""

    page: int
    limit: int
    total_rows: int
    total_rows_exact: bool
    total_pages: int
    has_next: bool
    has_prev: bool


class RowTable(Shape):
    """The table of a page; ``primary_key`` is its one column, or all of them in ``key``."""

    name: str
    primary_key: str | None
    key: list[str]


class RowPage(Shape):
    """A page of rows."""

    rows: list[dict[str, Any]]
    columns: list[RowColumn]
    pagination: RowPaging
    table: RowTable
    total: int
    page: int
    limit: int
    has_more: bool
    notes: list[str]
