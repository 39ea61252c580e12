"""PURE: what a sync was asked to do, as one validated value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from dbsync.errors import ConfigError, StatementFailed
from dbsync.model import TableName, split_at
from dbsync.selection import TablePattern
from dbsync.sqltext import require_utf8

Value = TypeVar("Value")
Mode = Literal["delta", "replace", "append", "cursor"]
Verify = Literal["checksum", "count", "none"]
Triggers = Literal["off", "keep"]
OnRowError = Literal["fail", "quarantine"]
OnLocked = Literal["fail", "wait", "skip"]
OnDrift = Literal["fail", "ignore"]


@dataclass(frozen=True, slots=True)
class TableMap:
    """``--map SRC=DST``: a table to another name, or ``schema.*`` to another schema."""

    source: str
    target: str

    @classmethod
    def parse(cls, text: str) -> TableMap:
        """Read ``a.b=c.d`` or ``a.*=c.*``, at the first = outside double quotes; raise ConfigError else."""
        source, separator, target = split_at(require_utf8(text, "--map"), "=")
        if not separator or not source or not target or source.endswith(".*") != target.endswith(".*"):
            raise ConfigError(
                f"cannot read --map {text!r}", hint="write schema.table=schema.table or schema.*=schema.*"
            )
        return cls(source, target)

    def apply(self, table: TableName) -> TableName | None:
        """Return the target's name for a source table, or None when this map does not speak of it."""
        if self.source.endswith(".*"):
            schema = TableName.parse(self.source.removesuffix("*") + "x").schema
            if table.schema != schema:
                return None
            return TableName(TableName.parse(self.target.removesuffix("*") + "x").schema, table.name)
        return TableName.parse(self.target) if table == TableName.parse(self.source) else None


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """``--max-delete``: so many rows, or so many percent of what the target holds."""

    number: float
    percent: bool

    @classmethod
    def parse(cls, text: str) -> DeleteLimit:
        """Read ``1000`` or ``5%``; raise ConfigError else."""
        digits = text.strip().removesuffix("%")
        percent = text.strip().endswith("%")
        try:
            number = float(digits) if percent else int(digits)
        except ValueError:
            number = -1
        if not number >= 0 or (percent and not number <= 100):
            raise ConfigError(f"cannot read --max-delete {text!r}", hint="write a number of rows, or a percentage: 5%")
        return cls(number, percent)

    @property
    def everything(self) -> bool:
        """Whether even all rows of a table may go."""
        return self.percent and self.number >= 100

    def allows(self, deleted: int, held: int) -> bool:
        """Whether so many rows of those held may be deleted."""
        return deleted <= (held * self.number / 100 if self.percent else self.number)

    def __str__(self) -> str:
        return f"{self.number:g}%" if self.percent else f"{self.number:,.0f} rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """The options of ``sync`` after parsing. ``chunk_bytes`` and ``max_rate`` (bytes per second) are numbers.

    Mode ``delta`` compares tables that hold rows and writes what differs; ``append`` only inserts what is
    missing; ``replace`` replaces what the target holds; ``cursor`` copies the rows past a stored value. An empty
    table is bulk loaded in any mode. ``create`` makes the schema first where the target has nothing.
    """

    mode: Mode = "delta"
    delete: bool = False
    max_delete: DeleteLimit | None = None
    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    maps: tuple[TableMap, ...] = ()
    cursors: Mapping[str, str] = field(default_factory=dict)  # table pattern: column
    jobs: int = 4
    chunk_bytes: int = 64 * 1024 * 1024
    max_rate: int | None = None
    verify: Verify = "checksum"
    triggers: Triggers = "off"
    drop_indexes: bool = False
    on_locked: OnLocked = "fail"
    on_drift: OnDrift = "fail"
    on_row_error: OnRowError = "fail"
    ledger: bool = True
    full_compare: bool = False
    create: bool = False
    lock_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if not 1 <= self.jobs <= 64:
            raise ConfigError(f"--jobs must be between 1 and 64, not {self.jobs}")
        if self.chunk_bytes < 1024 * 1024:
            raise ConfigError("--chunk-size must be at least 1MB")
        if self.max_rate is not None and self.max_rate < 64 * 1024:
            raise ConfigError("--max-rate must be at least 64KB/s")
        if self.delete and self.mode != "delta":
            raise ConfigError(f"--delete does not go with --mode {self.mode}", hint="it belongs to --mode delta")
        if self.max_delete is not None and not self.delete:
            raise ConfigError("--max-delete limits --delete, which was not given")
        self._check_cursors()
        self._check_quarantine()
        self._check_create()
        for text in (*self.tables, *self.exclude):
            TablePattern.parse(text)
        for table, condition in self.where.items():
            _check_condition(table, condition)

    def _check_cursors(self) -> None:
        if self.cursors and self.mode != "cursor":
            raise ConfigError("--cursor belongs to --mode cursor")
        if self.mode == "cursor" and not self.cursors:
            raise ConfigError("--mode cursor needs a column", hint="name it with --cursor TABLE:COLUMN")
        if self.mode == "cursor" and not self.ledger:
            raise ConfigError("--mode cursor keeps its values in the ledger: it does not go with --no-ledger")

    def _check_quarantine(self) -> None:
        if self.on_row_error == "quarantine" and not self.ledger:
            raise ConfigError("--on-row-error quarantine keeps the rows in the ledger: it does not go with --no-ledger")
        if self.on_row_error == "quarantine" and self.mode == "cursor":
            raise ConfigError("--on-row-error quarantine does not go with --mode cursor", hint="use --mode delta")

    def _check_create(self) -> None:
        parts = {
            "--tables": self.tables,
            "--exclude": self.exclude,
            "--where": self.where,
            "--columns": self.columns,
            "--map": self.maps,
        }
        if self.create and self.mode == "cursor":
            raise ConfigError("--create copies all rows: it does not go with --mode cursor", hint="run that afterwards")
        if self.create and self.triggers == "keep":
            raise ConfigError(
                "--create copies rows that the source's triggers have seen: it does not go with --triggers keep"
            )
        if self.create and (part := next((name for name, value in parts.items() if value), None)):
            raise ConfigError(
                f"--create makes the whole schema and copies all of it: it does not go with {part}",
                hint="make the schema with dbsync schema DB --format sql, and run without --create",
            )

    def schema_map(self) -> dict[str, str]:
        """The schemas that ``--map`` renames as a whole."""
        rules = [rule for rule in self.maps if rule.source.endswith(".*")]
        return {
            TableName.parse(rule.source.removesuffix("*") + "x").schema: TableName.parse(
                rule.target.removesuffix("*") + "x"
            ).schema
            for rule in rules
        }

    def target_name(self, table: TableName) -> TableName:
        """The name in the target: by the ``--map`` that names the very table, else by schema, else the same."""
        exact_first = sorted(self.maps, key=lambda one: one.source.endswith(".*"))
        for rule in exact_first:
            mapped = rule.apply(table)
            if mapped is not None:
                return mapped
        return table

    def source_names(self, table: TableName) -> list[TableName]:
        """The names that a ``--map`` would make into this one of the target's."""
        turned = [replace(rule, source=rule.target, target=rule.source) for rule in self.maps]
        return [name for rule in turned if (name := rule.apply(table)) is not None]


def _check_condition(table: str, condition: str) -> None:
    """Refuse what would reach out of the parentheses that the condition is put into."""
    from dbsync.sqltext import tokens  # its patterns take long to compile, and few runs have a condition

    depth = 0
    try:
        for token in tokens(condition):
            depth += (token.text == "(") - (token.text == ")")
            if depth < 0 or token.text == ";":
                break
    except StatementFailed as error:
        raise ConfigError(f"--where for {table} is not a valid condition: {error.message}", code="BAD_WHERE") from None
    if depth != 0 or ";" in [token.text for token in tokens(condition)]:
        raise ConfigError(
            f"--where for {table} is not a valid condition: its parentheses do not match, or it has a semicolon",
            code="BAD_WHERE",
        )


def option_for(values: Mapping[str, Value], table: TableName, root: TableName) -> Value | None:
    """The value of an option that is keyed by table pattern, for a table or its partitioned root."""
    for text, value in values.items():
        pattern = TablePattern.parse(text)
        if pattern.matches(table) or pattern.matches(root):
            return value
    return None
