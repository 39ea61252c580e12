"""The options that choose what to read, shared by the commands with two ends, and how their texts are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from dbsync.data.options import SyncOptions, TableMap
from dbsync.errors import ConfigError
from dbsync.model import split_at
from dbsync.sqltext import require_utf8

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The database as it should be.")]
TargetArgument = Annotated[str, typer.Argument(metavar="TARGET", help="The database to hold against it.")]
Tables = Annotated[
    list[str] | None, typer.Option("--tables", metavar="PATTERN", help="Only these tables: public.*; repeatable.")
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave these tables out; repeatable.")
]
Schemas = Annotated[
    list[str] | None, typer.Option("--schema", metavar="PATTERN", help="Only what is in these schemas; repeatable.")
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="WORDS",
        help="Leave out attributes or kinds: owner,privileges,comments,trigger; repeatable.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="TABLE:EXPR", help="Only the rows that match, on both sides; repeatable."),
]
Columns = Annotated[
    list[str] | None, typer.Option("--columns", metavar="TABLE:a,b", help="Only these columns; repeatable.")
]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="SRC=DST", help="Other names in the target: a.t=b.u or a.*=b.*; repeatable."),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Tables at a time.")]
LimitSamples = Annotated[
    int, typer.Option("--limit-samples", metavar="N", min=0, max=1000, help="Show at most N rows of each table.")
]


def compared(
    tables: Sequence[str] | None,
    exclude: Sequence[str] | None,
    where: Sequence[str] | None,
    columns: Sequence[str] | None,
    maps: Sequence[str] | None,
    jobs: int,
) -> SyncOptions:
    """Read the texts; raise ConfigError for one that cannot be read."""
    return SyncOptions(
        tables=tuple(tables or ()),
        exclude=tuple(exclude or ()),
        where=keyed("--where", where),
        columns={table: names(text) for table, text in keyed("--columns", columns).items()},
        maps=tuple(map(TableMap.parse, maps or ())),
        jobs=jobs,
    )


def by_table(option: str, text: str) -> tuple[str, str]:
    """Split ``TABLE:REST`` at the first colon outside double quotes."""
    table, separator, rest = split_at(text, ":")
    if not separator or not table or not rest.strip():
        raise ConfigError(f"cannot read {option} {text!r}", hint=f"write {option} schema.table:...")
    return table, rest


def keyed(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """Read ``TABLE:REST`` texts; raise ConfigError where a table is named twice: neither may be forgotten."""
    found: dict[str, str] = {}
    for table, rest in (by_table(option, text) for text in texts or ()):
        require_utf8(rest, option)
        if table in found:
            raise ConfigError(f"{option} names {table} twice", hint="say it once; conditions are joined with AND")
        found[table] = rest
    return found


def names(text: str) -> tuple[str, ...]:
    """Read ``a,"Odd, name",c``."""
    return tuple(_split_names(text))


def _split_names(text: str) -> Iterator[str]:
    while text:
        name, _, text = split_at(text, ",")
        name = name.strip()
        yield name[1:-1].replace('""', '"') if name.startswith('"') and name.endswith('"') else name
