"""What is asked: bodies of requests, and a large query.

Extra members are accepted; what is missing is said by the route.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from dbsync.server.wire.envelope import Shape

Text = Annotated[str, StringConstraints(max_length=4096)]
Blob = Annotated[str, StringConstraints(max_length=96 * 1024)]
Sql = Annotated[str, StringConstraints(min_length=1, max_length=1024 * 1024)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Flag = Annotated[bool, Field(strict=True)]  # no number, no word
DEEPEST_ROW = 10_000_000  # pages further in are reached by sorting the other way, or by a search
Direction = Literal["asc", "desc"]
Environment = Literal["production", "staging", "development"]


def _as_written(value: Any) -> Any:
    if isinstance(value, str) and "-" not in value[1:]:
        raise ValueError("is not a date as in 2026-01-31T12:00:00Z")
    return value


# Pydantic alone would read a number as seconds, too.
Moment = Annotated[dt.datetime, BeforeValidator(_as_written)]


class NamedDatabase(Shape):
    """Which database, where the path alone does not say it."""

    encrypted_url: Blob | None = None


class AskedPage(Shape):
    """The query of a page of rows. ``orderBy`` and ``orderDir`` are the older names of ``sortBy`` and ``sortOrder``."""

    encrypted_url: Annotated[str, StringConstraints(max_length=16 * 1024)] | None = None
    page: Annotated[int, Field(ge=1, le=DEEPEST_ROW)] = 1
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    sort_by: Annotated[str, StringConstraints(max_length=255)] | None = None
    sort_order: Direction | None = None
    order_by: Annotated[str, StringConstraints(max_length=255)] | None = None
    order_dir: Direction | None = None
    search: Annotated[str, StringConstraints(max_length=1000)] | None = None


class NewConnection(Shape):
    """A connection to save."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    url: Text | None = None
    encrypted_url: Blob | None = None
    environment: Environment | None = None
    protected: Flag = False
    read_only: Flag = False
    keep_alive: Flag = False


class ChangedConnection(Shape):
    """What to change of a connection."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    url: Text | None = None
    environment: Literal["production", "staging", "development", "none"] | None = None
    protected: Flag | None = None
    read_only: Flag | None = None
    keep_alive: Flag | None = None


class Statements(NamedDatabase):
    """SQL to run. ``stepwise``: commit each statement (what no transaction takes)."""

    sql: Sql
    dry_run: Flag = False
    stepwise: Flag = False
    max_rows: Annotated[int, Field(ge=1)] | None = None  # more than a page has: as many as that
    confirmation_phrase: Text | None = None


class RowChange(NamedDatabase):
    """One row: its key (every column of it), and values by column."""

    id: Any = None
    data: dict[str, Any] | None = None
    field: Reference | None = None
    value: Any = None
    confirmation_phrase: Text | None = None

    @field_validator("id", "data", "value", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("holds half a character, which no text in a database has") from None
        return value


class SelectedTable(Shape):
    """One table of a sync."""

    table_name: Reference
    enabled: Flag = True
    conflict_strategy: Literal["last_write_wins", "source_wins", "target_wins", "manual"] | None = None


def _named(value: Any) -> Any:
    return {"tableName": value} if isinstance(value, str) else value


class Pair(Shape):
    """Two databases and some of their tables."""

    source_connection_id: Reference
    target_connection_id: Reference
    source_encrypted_url: Blob | None = None
    target_encrypted_url: Blob | None = None
    tables: Annotated[list[SelectedTable], Field(max_length=1000)] | None = None
    table_names: Annotated[list[Reference], Field(max_length=1000)] | None = None

    @field_validator("tables", mode="before")
    @classmethod
    def _tables(cls, value: Any) -> Any:
        return [_named(each) for each in value] if isinstance(value, list) else value

    def chosen(self) -> tuple[str, ...]:
        """The names of the tables that are wanted; () for all."""
        named = [each.table_name for each in self.tables or () if each.enabled]
        return tuple(dict.fromkeys([*named, *(self.table_names or ())]))


class AskedValidation(Pair):
    """What to validate."""

    direction: Literal["one_way", "two_way"] | None = None


class AskedMigration(Pair):
    """What to plan; ``issue_id`` asks for the statements that settle one finding."""

    direction: Literal["source_to_target", "target_to_source"] = "source_to_target"
    issue_id: Reference | None = None


class AskedSync(Pair):
    """A sync to foretell or to create."""

    direction: Literal["one_way", "two_way"] = "one_way"
    dry_run: Flag = False
    delete: Flag = False  # rows too that only the target has
    confirmation_phrase: Text | None = None


class Ends(Shape):
    """The blobs of both ends once more: asked for at a start, used only where the job has none."""

    source_encrypted_url: Blob | None = None
    target_encrypted_url: Blob | None = None
    confirmation_phrase: Text | None = None


class ExportFilters(Shape):
    """Which rows: of jobs by status and owner, of events by severity and owner, of users by a part of the name."""

    status: Literal["", "pending", "running", "paused", "completed", "failed"] | None = None
    severity: Literal["", "low", "medium", "high", "critical"] | None = None
    user_id: Reference | Literal[""] | None = None
    search: Reference | Literal[""] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _chosen(cls, value: Any) -> Any:
        return None if value == "" else value  # a list of choices in which nothing was chosen


class AskedExport(Shape):
    """What an administrator wants as a file."""

    type: Literal["users", "sync-jobs", "security-events", "analytics"]
    format: Literal["csv", "json"] = "json"
    filters: ExportFilters | None = None
