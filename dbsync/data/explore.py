"""Look at rows: a page by key, one row, figures about columns.

All in one read-only snapshot, under a time limit. Values are the server's own text, NULL is None.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property

from dbsync.data.explore_request import PageRequest, find_column, parse_filter, parse_sort, read_key, write_key
from dbsync.errors import ConfigError, DbsyncError, StatementCancelled, StatementFailed, TimeLimit
from dbsync.model import Catalog, Column, ColumnType, Table, TableName
from dbsync.pg import statements_explore as statements
from dbsync.pg.database import Session
from dbsync.pg.functions import current_role, plans_run_others
from dbsync.pg.operators import Operators, own_operators
from dbsync.pg.reflect import one_snapshot, reflect
from dbsync.pg.statements_explore import Filter, OrderKey, Scope
from dbsync.pg.text_rows import TextRow, fetch_text, read_text, require_looking
from dbsync.quantities import server_limit
from dbsync.selection import select_tables

MOST_BYTES = 8 * 1024 * 1024
TIME_LIMIT_S = 60.0
# --stats reads all of a table up to this size, else a sample of about as much.
SAMPLE_BYTES = 64 * 1024 * 1024
_SAMPLE_ROWS = 100_000  # of what has no pages to sample
_BLOCK_BYTES = 8192
_ANY_SIZE = 1 << 31  # a single row that was asked for by key is shown whole
_TEXT_LIKE = frozenset({"text", "varchar", "bpchar", "name", "citext", "json", "jsonb", "xml", "uuid"})
_SMALL = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "money", "oid", "uuid", "inet", "cidr"}
    | {"date", "time", "timetz", "timestamp", "timestamptz", "interval", "macaddr", "macaddr8"}
)
_NO_ORDER = "42883"  # undefined function: the type has no order or equality
_MISTAKES = ("22P02", "22007", "22008", "22003")  # values that are none of the type
_NO_PRIVILEGE = "42501"
_WITHOUT_ORDER = ("~", "is null", "is not null")
_WILD = re.compile(r"[*?]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of a relation; ``next`` is what --after takes to go on, None at the end or where there is no key."""

    table: TableName
    columns: tuple[Column, ...]
    order: tuple[OrderKey, ...]
    rows: tuple[TextRow, ...]
    more: bool
    next: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFigures:
    """What the values of one column are like; ``top`` are the most frequent ones with their counts."""

    column: Column
    nulls: int
    distinct: int
    least: str | None
    greatest: str | None
    top: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures about the columns of a relation, from ``rows`` rows; ``sample`` says which, if not all."""

    table: TableName
    rows: int
    sample: str | None
    columns: tuple[ColumnFigures, ...]
    notes: tuple[str, ...] = ()


@contextmanager
def explored(
    session: Session, *, time_limit_s: float = TIME_LIMIT_S, read: Callable[[Session], Catalog] = reflect
) -> Iterator[Explorer]:
    """Look at the database in one snapshot for as long as the block lasts; ``read`` gives its structure."""
    with one_snapshot(session):
        catalog = read(session)
        _limit(session, time_limit_s)
        yield Explorer(session, catalog, time_limit_s=time_limit_s)


class Explorer:
    """Answers questions about the relations of one database."""

    def __init__(self, session: Session, catalog: Catalog, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._session = session
        self._time_limit_s = time_limit_s
        self.catalog = catalog

    @property
    def session(self) -> Session:
        """The session, in its snapshot."""
        return self._session

    def table(self, text: str) -> Table:
        """The one relation that the user named; raise ConfigError else."""
        if not _WILD.search(text):
            with suppress(ConfigError):  # said below, with what is near
                if (exact := self.catalog.tables.get(TableName.parse(text))) is not None:
                    return exact
        names = select_tables(self.catalog.tables, include=[text], where=f"database {self.catalog.database}")
        if len(names) > 1:
            raise ConfigError(f"{text!r} names {len(names)} tables", hint="write one schema.table")
        return self.catalog.tables[names[0]]

    def page(self, name: str, request: PageRequest) -> Page:
        """A page of rows, in the order asked for and then by key, so that no row is skipped or repeated."""
        table = self.table(name)
        columns, notes = self._columns(table, request.columns)
        order, problem = self._order(table, request)
        names = [key.column for key in order]
        after = None
        if request.after is not None:
            if problem:
                raise ConfigError(f"--after needs an order that is unique: {problem}")
            after = read_key(request.after, names, "--after")
            self._refuse_nulls(order, after)
        scope = self.scope(table, request, order=names)
        shown = [column.name for column in columns]
        read = list(dict.fromkeys([*shown, *names]))
        statement = statements.page(scope, read, order, after, offset=request.offset)
        with self.asked(table):
            self._require_looking(statement)
            found = read_text(
                self._session, statement.query, statement.values, rows=request.limit, limit_bytes=MOST_BYTES
            )
        last = dict(zip(read, found.rows[-1], strict=True)) if found.rows else {}
        goes_on = bool(last) and found.more and not problem
        return Page(
            table=table.name,
            columns=columns,
            order=order,
            rows=tuple(row[: len(shown)] for row in found.rows),
            more=found.more,
            next=write_key([last[name] for name in names]) if goes_on else None,
            notes=(*notes, *self._rls_note(table), *([problem] if problem else [])),
        )

    def count(self, name: str, request: PageRequest, *, seconds: float) -> int | None:
        """How many rows a page is a part of; None where that takes longer, or cannot be asked."""
        table = self.table(name)
        statement = statements.total(self.scope(table, request))
        with suppress(StatementFailed, TimeLimit), self._session.transaction(), self.asked(table):
            self._require_looking(statement)
            _limit(self._session, seconds)
            ((rows,),) = fetch_text(self._session, statement.query, statement.values)
            _limit(self._session, self._time_limit_s)  # where it fails the old limit comes back by itself
            return int(rows or 0)
        return None

    def row(self, name: str, key: str, columns: Sequence[str] = ()) -> Page:
        """The row with this key: a page of one row, or of none."""
        table = self.table(name)
        names = self._key(table)
        if not names:
            raise ConfigError(f"{table.name} has no key", hint="use --filter or --where")
        values = read_key(key, names, "--key")
        if None in values:
            raise ConfigError("--key: a key holds no null")
        shown, notes = self._columns(table, columns)
        pairs = zip(names, values, strict=True)
        filters = tuple(Filter(column=name, operator="=", value=value or "") for name, value in pairs)
        scope = Scope(table=table, filters=filters, operators=self._operators(table, names))
        statement = statements.page(scope, [column.name for column in shown], (), None)
        with self.asked(table):
            self._require_looking(statement)
            found = read_text(self._session, statement.query, statement.values, rows=1, limit_bytes=_ANY_SIZE)
        notes = (*notes, *self._rls_note(table))
        return Page(table=table.name, columns=shown, order=(), rows=found.rows, more=False, next=None, notes=notes)

    def figures(self, name: str, request: PageRequest, *, top: int = 5) -> Figures:
        """Nulls, distinct values, extremes and the most frequent values of each column."""
        table = self.table(name)
        columns, notes = self._columns(table, request.columns)
        if not columns:
            raise ConfigError(f"{table.name} has no columns")
        scope, sample = self._sampled(self.scope(table, request))
        notes = (*notes, *self._rls_note(table))
        rows, found = 0, []
        with self.asked(table):
            self._require_looking(statements.page(scope, [column.name for column in columns], (), None))
            for column in columns:
                rows, figures = self._figures(scope, column, top)
                found.append(figures)
        return Figures(table=table.name, rows=rows, sample=sample, columns=tuple(found), notes=notes)

    def _figures(self, scope: Scope, column: Column, top: int) -> tuple[int, ColumnFigures]:
        try:
            with self._session.transaction():
                return self._figures_of(scope, column, top, ordered=True)
        except StatementFailed as error:
            if error.sqlstate != _NO_ORDER:
                raise
        return self._figures_of(scope, column, top, ordered=False)

    def _figures_of(self, scope: Scope, column: Column, top: int, *, ordered: bool) -> tuple[int, ColumnFigures]:
        how = {"ordered": ordered, "shorten": not _is_small(column.type)}
        figures = statements.column_figures(scope, column.name, **how)
        ((rows, nulls, distinct, least, greatest),) = fetch_text(self._session, figures.query, figures.values)
        frequent = statements.column_top(scope, column.name, most=top, **how)
        values = fetch_text(self._session, frequent.query, frequent.values)
        return int(rows or 0), ColumnFigures(
            column=column,
            nulls=int(nulls or 0),
            distinct=int(distinct or 0),
            least=least,
            greatest=greatest,
            top=tuple((value or "", int(count or 0)) for value, count in values),
        )

    @cached_property
    def _is_privileged(self) -> bool:
        return current_role(self._session).privileged

    @cached_property
    def plans_run_others(self) -> bool:
        """Whether a plan alone, without a read, may run what belongs to others with this role's powers."""
        return self._is_privileged and plans_run_others(self._session)

    def _require_looking(self, statement: statements.Statement) -> None:
        """Raise Refused where it would do more than look; what the role may do is asked once in a snapshot."""
        if self._is_privileged:
            require_looking(self._session, statement.query)

    def _columns(self, table: Table, names: Sequence[str]) -> tuple[tuple[Column, ...], tuple[str, ...]]:
        """The columns to show: those asked for, else all that the role may read; and what is left out."""
        wanted = list(dict.fromkeys(find_column(table, name, "--columns") for name in names))
        unreadable = [column.name for column in wanted or table.columns if not column.readable]
        if unreadable and (wanted or len(unreadable) == len(table.columns)):
            what = f"{table.name}" + (f" ({', '.join(unreadable)})" if wanted else "")
            raise DbsyncError(
                f"role {self.catalog.role} may not read {what}",
                code="NO_PRIVILEGE",
                sqlstate=_NO_PRIVILEGE,
                hint=f"GRANT SELECT ON {table.name} (and USAGE on its schema) to it, or use another role",
            )
        note = f"left out, as role {self.catalog.role} may not read them: {', '.join(unreadable)}"
        readable = tuple(column for column in wanted or table.columns if column.readable)
        return readable, (note,) if unreadable else ()

    def scope(self, table: Table, request: PageRequest, *, order: Sequence[str] = ()) -> Scope:
        """Which rows are meant, and how the columns of the filters and of the order are compared."""
        filters = tuple(parse_filter(text, table) for text in request.filters)
        search_in: tuple[str, ...] = ()
        if request.search is not None:
            search_in = self._text_columns(table)
            if not search_in:
                raise ConfigError(f"--search: {table.name} has no column of text", hint="use --filter or --where")
        compared = [each.column for each in filters if each.operator not in _WITHOUT_ORDER]
        return Scope(
            table=table,
            filters=filters,
            where=request.where,
            search=request.search,
            search_in=search_in,
            operators=self._operators(table, [*compared, *order]),
        )

    def _operators(self, table: Table, names: Iterable[str]) -> Mapping[str, Operators]:
        """The operators of the columns whose type is none of the server's; raise ConfigError where it has no order."""
        columns = [column for name in names if (column := table.column(name)) is not None]
        found = own_operators(self._session, columns)
        for column in columns:
            if not found.get(column.name, True):
                raise ConfigError(
                    f"{column.name} has no order: its type {column.type.text} has no default B-tree operator class",
                    code="BAD_CONDITION",
                    hint="use another column, --filter COL~TEXT, or --where with a cast",
                )
        return found

    def searchable(self, table: Table) -> bool:
        """Whether a search could find anything: the table has a column of text."""
        return bool(self._text_columns(table))

    def _text_columns(self, table: Table) -> tuple[str, ...]:
        return tuple(column.name for column in table.columns if column.readable and _is_text(column.type))

    def _order(self, table: Table, request: PageRequest) -> tuple[tuple[OrderKey, ...], str | None]:
        """What rows are ordered by, made unique by the key; and why it is not unique, if so."""
        keys = [self._as_shown(table, parse_sort(text, table)) for text in request.sort]
        names = self._key(table) or self._places(table)
        keys += [OrderKey(column=name) for name in names if name not in {key.column for key in keys}]
        if not names:
            return tuple(keys), f"{table.name} has no key, so only its first rows can be shown: narrow them by a filter"
        return tuple(keys), None

    def _as_shown(self, table: Table, key: OrderKey) -> OrderKey:
        """The rows of inheritance children are shown too, and they may have NULL where their parent has none."""
        columns = (self.catalog.tables[name].column(key.column) for name in self._family(table.name))
        return replace(key, nullable=any(column is None or column.nullable for column in columns))

    def _key(self, table: Table) -> tuple[str, ...]:
        """The columns of a key that no two rows share, none of them NULL and all readable."""
        if self._has_children(table):
            return ()  # the rows of inheritance children are shown too, and no key spans them
        readable = {column.name for column in table.columns if column.readable}
        keys = (key.columns for key in table.keys if key.not_null and readable.issuperset(key.columns))
        return next(keys, ())

    def _places(self, table: Table) -> tuple[str, ...]:
        """Where a row lies, of what is all stored here: rows of foreign tables have no place of their own."""
        if "SELECT" not in table.privileges or table.kind not in ("table", "partitioned", "matview"):
            return ()
        if table.kind != "partitioned" and not self._has_children(table):
            return ("ctid",)
        is_foreign = any(self.catalog.tables[name].kind == "foreign" for name in self._family(table.name))
        return () if is_foreign else ("tableoid", "ctid")

    def _has_children(self, table: Table) -> bool:
        return table.kind != "partitioned" and table.name in self._children

    def _refuse_nulls(self, order: Sequence[OrderKey], values: Sequence[str | None]) -> None:
        for key, value in zip(order, values, strict=True):
            if value is None and not key.nullable:
                raise ConfigError(f"--after: {key.column} is never null")

    def _sampled(self, scope: Scope) -> tuple[Scope, str | None]:
        table = scope.table
        if table.kind in ("view", "foreign"):
            return replace(scope, most=_SAMPLE_ROWS), f"at most the first {_SAMPLE_ROWS:,} rows"
        size = sum(self.catalog.tables[name].pages for name in self._family(table.name)) * _BLOCK_BYTES
        if size <= SAMPLE_BYTES:
            return scope, None
        percent = 100 * SAMPLE_BYTES / size
        return replace(scope, percent=percent), f"a sample of {percent:.2g} % of its pages"

    @cached_property
    def _children(self) -> Mapping[TableName, Sequence[TableName]]:
        """The partitions or inheritance children of each table, one step down."""
        found = defaultdict[TableName, list[TableName]](list)
        for table in self.catalog.tables.values():
            for parent in (table.partition_of, *table.inherits):
                if parent is not None:
                    found[parent].append(table.name)
        return found

    def _family(self, name: TableName) -> Iterator[TableName]:
        yield name
        for child in self._children.get(name, ()):
            yield from self._family(child)

    def _rls_note(self, table: Table) -> tuple[str, ...]:
        if not table.rls_active:
            return ()
        return (f"row-level security shows role {self.catalog.role} only part of {table.name}",)

    @contextmanager
    def asked(self, table: Table) -> Iterator[None]:
        """Let policies filter where they apply; turn mistakes of the asker into ConfigError."""
        if table.rls_active:
            self._session.execute("SELECT pg_catalog.set_config('row_security', 'on', true)")
        try:
            yield
        except StatementCancelled as error:
            raise TimeLimit(
                "the question took too long and was cancelled", hint="narrow it, or allow more with --timeout 10m"
            ) from error
        except StatementFailed as error:
            state = error.sqlstate or ""
            if state in _MISTAKES or (state.startswith("42") and state != _NO_PRIVILEGE):
                raise ConfigError(
                    f"the condition or order cannot be used: {error.message}",
                    sqlstate=state,
                    code="BAD_CONDITION",
                    hint=error.hint,
                ) from error
            raise


def _limit(session: Session, seconds: float) -> None:
    """Let no statement of this transaction take longer."""
    session.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (str(server_limit(seconds)),))


def _is_text(type_: ColumnType) -> bool:
    plain = _without_domains(type_)
    return plain.name in _TEXT_LIKE or plain.kind == "enum"


def _is_small(type_: ColumnType) -> bool:
    plain = _without_domains(type_)
    return plain.name in _SMALL or plain.kind == "enum"


def _without_domains(type_: ColumnType) -> ColumnType:
    return _without_domains(type_.base) if type_.base else type_
