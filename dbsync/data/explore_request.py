"""What a user asks of ``explore``, read from text and checked against the table: pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from dbsync.errors import ConfigError
from dbsync.model import Column, Table, quote_identifier, split_at
from dbsync.pg.statements_explore import Filter, Operator, OrderKey
from dbsync.sqltext import require_utf8

MOST_ROWS = 1000
_OPERATORS: dict[str, Operator] = {
    "!=": "!=", "<>": "!=", "<=": "<=", ">=": ">=", "=": "=", "<": "<", ">": ">", "~": "~",
}  # fmt: skip
_QUOTED = re.compile(r'\s*"((?:[^"]|"")+)"')
_NULL = re.compile(r"(.*?)\s+is\s+(not\s+)?null\s*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which rows to show, as typed; ``after`` is the ``next`` of the page before, ``offset`` skips rows."""

    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    where: str | None = None
    search: str | None = None
    sort: tuple[str, ...] = ()
    limit: int = 50
    after: str | None = None
    offset: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_ROWS:
            raise ConfigError(
                f"--limit {self.limit} is not between 1 and {MOST_ROWS}", hint="--after shows the next page"
            )
        for option, texts in (("--where", (self.where,)), ("--search", (self.search,)), ("--filter", self.filters)):
            for text in texts:
                require_utf8(text or "", option)


def find_column(table: Table, name: str, option: str) -> Column:
    """The column of that name, which may be quoted; raise ConfigError with the nearest one else."""
    quoted = _QUOTED.fullmatch(name.rstrip())
    column = table.column(name) or table.column(quoted[1].replace('""', '"') if quoted else name.strip())
    if column is None:
        near = get_close_matches(name, [known.name for known in table.columns], n=1)
        hint = f"did you mean {quote_identifier(near[0])}?" if near else "list the columns with: dbsync schema"
        raise ConfigError(f"{option}: {table.name} has no column {name!r}", hint=hint, code="NO_SUCH_COLUMN")
    return column


def split_names(text: str) -> Iterator[str]:
    """Split ``a,"b,c"`` at commas outside double quotes."""
    while text:
        name, _, text = split_at(text, ",")
        yield name


def parse_filter(text: str, table: Table) -> Filter:
    """Read ``COL=VALUE`` (or != < <= > >= ~), ``COL is null``, ``COL is not null``; values are taken as they are."""
    null = _NULL.fullmatch(text)
    if null and _is_column(table, null[1]):
        return Filter(
            column=find_column(table, null[1], "--filter").name, operator="is not null" if null[2] else "is null"
        )
    places = list(_operators_in(text))
    if not places:
        raise ConfigError(
            f"cannot read --filter {text!r}", hint="write COL=VALUE, COL>=VALUE, COL~TEXT or 'COL is null'"
        )
    # A column's own name may hold an operator: the first place where a column stands before it counts.
    place, spelled = next((found for found in places if _is_column(table, text[: found[0]])), places[0])
    column = find_column(table, text[:place], "--filter")
    value = _checked(text[place + len(spelled) :], "--filter")
    return Filter(column=column.name, operator=_OPERATORS[spelled], value=value)


def _operators_in(text: str) -> Iterator[tuple[int, str]]:
    quoted = _QUOTED.match(text)
    place = quoted.end() if quoted else 0
    while place < len(text):
        spelled = next((known for known in _OPERATORS if text.startswith(known, place)), "")
        if spelled:
            yield place, spelled
        place += len(spelled) or 1


def _is_column(table: Table, name: str) -> bool:
    try:
        find_column(table, name, "")
    except ConfigError:
        return False
    return True


def parse_sort(text: str, table: Table) -> OrderKey:
    """Read ``COL``, ``COL:asc`` or ``COL:desc``."""
    name, _, direction = text.rpartition(":")
    if direction.lower() not in ("asc", "desc"):
        name, direction = text, "asc"
    column = find_column(table, name, "--sort")
    return OrderKey(column=column.name, descending=direction.lower() == "desc", nullable=column.nullable)


def write_key(values: Sequence[str | None]) -> str:
    """Write key values as one text, which ``read_key`` reads: plain for one plain value, else a JSON array."""
    (first, *rest) = values
    if not rest and first is not None and first.isprintable() and not first.startswith("["):
        return first
    return json.dumps(list(values), separators=(",", ":"))


def read_key(text: str, names: Sequence[str], option: str) -> list[str | None]:
    """Read a JSON array, a plain value, or ``VALUE,VALUE`` with CSV's quotes; there must be one value per name."""
    values: list[str | None]
    if text.startswith("[") and (found := _json_list(text)) is not None:
        values = found
    elif len(names) == 1:
        values = [text]
    else:
        values = _csv_values(text, option)
    if len(values) != len(names):
        raise ConfigError(
            f"{option} needs {len(names)} values ({', '.join(names)}) and got {len(values)}",
            hint='write VALUE,VALUE or a JSON array: ["a","b"]',
        )
    return [_checked(value, option) if value is not None else None for value in values]


def _csv_values(text: str, option: str) -> list[str | None]:
    try:
        return list(next(csv.reader(io.StringIO(text), strict=False), []))
    except csv.Error:  # a line break outside of quotes
        raise ConfigError(f"cannot read {option} {text!r}", hint='write a JSON array: ["a","b"]') from None


def _json_list(text: str) -> list[str | None] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if isinstance(found, list) and all(value is None or isinstance(value, str) for value in found):
        return found
    return None


def _checked(value: str, option: str) -> str:
    if "\0" in value:
        raise ConfigError(f"{option}: a value cannot hold a NUL character")
    return require_utf8(value, option)
