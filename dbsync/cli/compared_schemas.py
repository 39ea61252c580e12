"""The schema part of ``dbsync diff``: sides that are databases or scripts, and what is told of the comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbsync.cli.context import Context
from dbsync.cli.junit import Case
from dbsync.cli.options import Format
from dbsync.cli.render_schema_diff import Shown
from dbsync.errors import ConfigError, DbsyncError
from dbsync.model import TableName
from dbsync.references import PREFIXES
from dbsync.schema.choice import Choice, parse_ignored
from dbsync.schema.objects import Ref, Snapshot
from dbsync.schema_diff import SCRIPT_SUFFIX, SchemaComparison, Side, compare_sides, holds_rows, script_of
from dbsync.selection import TablePattern


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRows:
    """Names of the source's tables, what is excluded of them, and the tables that only the target has."""

    tables: tuple[str, ...]
    exclude: tuple[str, ...]
    target_only: tuple[TableName, ...]


class ComparedSchemas:
    """Two schemas, compared."""

    error: DbsyncError | None = None

    def __init__(self, comparison: SchemaComparison, choice: Choice, *, stat: bool, strict: bool) -> None:
        self.comparison, self.choice = comparison, choice
        self._shown = Shown(comparison, stat=stat, strict=strict)

    def same(self, *, strict: bool) -> bool:
        """Whether nothing differs; under ``strict``, also whether everything was compared."""
        return self.comparison.diff.empty and not (strict and self.comparison.not_compared)

    def result(self) -> dict[str, Any]:
        """The members of the JSON result."""
        return self._shown.result()

    def not_compared(self) -> list[dict[str, object]]:
        """The envelope's list."""
        return self._shown.not_compared()

    def render(self, name: Format) -> Iterable[str]:
        """Return the text in a format."""
        if name == "sql":
            from dbsync.cli.render_statements import statements_sql

            return statements_sql(self.comparison, self.choice)
        return {"text": self._shown.text, "md": self._shown.markdown, "github": self._shown.github}[name]()

    def cases(self) -> list[Case]:
        """Test cases."""
        return self._shown.cases()

    def excluded_rows(self) -> list[str]:
        """The patterns of ``--exclude`` that are for rows: a partition that only the target has stands for none."""
        known = self.comparison.known_to_rows
        return [text for text in self.choice.exclude if any(map(TablePattern.parse(text).matches, known))]

    def chosen_rows(self) -> ChosenRows:
        """What was chosen by schema, table by table, for the comparison of rows."""
        source, target = (_tables_of(side) for side in (self.comparison.source, self.comparison.target))
        if not source | target:
            raise ConfigError("no table is in the chosen schemas", hint="leave --schema out", code="NO_SUCH_TABLE")
        patterns = map(TablePattern.parse, self.choice.exclude)
        return ChosenRows(
            tables=tuple(map(str, sorted(source))),
            exclude=tuple(one.text for one in patterns if any(map(one.matches, self.comparison.source_tables))),
            target_only=tuple(
                name
                for name in sorted(target - self.comparison.source_tables)
                if Ref("partition", name.schema, name.name) not in self.comparison.target.objects
            ),
        )


def _tables_of(side: Snapshot) -> set[TableName]:
    return {TableName(ref.schema, ref.name) for ref, made in side.objects.items() if holds_rows(made)}


def compare_schemas(
    context: Context,
    ends: tuple[str, str],
    tables: Sequence[str] | None,
    exclude: Sequence[str] | None,
    schemas: Sequence[str] | None,
    ignore: Sequence[str] | None,
    *,
    what: str,
    stat: bool,
    strict: bool,
) -> ComparedSchemas:
    """Read both sides and compare them."""
    choice = Choice(
        tables=tuple(tables or ()),
        exclude=tuple(exclude or ()),
        schemas=tuple(schemas or ()),
        ignore=parse_ignored(ignore or ()),
    )
    sides = [side_of(context, text) for text in ends]
    if what == "both" and not all(is_database(context, text) for text in ends):
        raise ConfigError("a script has no rows to compare", hint="--what schema, or two databases")
    comparison = compare_sides(
        sides[0], sides[1], choice, control=context.control, warn=context.warn,
        opened=lambda left, right: context.describe(source=left, target=right),
    )  # fmt: skip
    return ComparedSchemas(comparison, choice, stat=stat, strict=strict)


def is_database(context: Context, text: str) -> bool:
    """Whether the text names a database, not a script."""
    named = "://" in text or text.startswith(PREFIXES) or text in context.settings.databases
    return named or not text.endswith(SCRIPT_SUFFIX)


def side_of(context: Context, text: str) -> Side:
    """Return the database or the script that the user typed."""
    if is_database(context, text):
        return context.database(text, read_only=True)
    return script_of(Path(text))
