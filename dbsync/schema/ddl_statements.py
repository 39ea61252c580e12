"""One CREATE statement per object, from the model and the server's own printers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from dbsync.model import Column, ColumnType, Index, Policy, Routine, Sequence, Table, TableName, Trigger
from dbsync.schema.ddl_inheritance import Inheritance

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_TRIGGER_STATES = {"disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}
Quote = Callable[[str], str]


class Statements:
    """Prints statements with names quoted where the server would."""

    def __init__(self, keywords: Collection[str]) -> None:
        self._keywords = frozenset(keywords)

    def quote(self, name: str) -> str:
        if _PLAIN.match(name) and name not in self._keywords:
            return name
        return '"' + name.replace('"', '""') + '"'

    def name(self, name: TableName) -> str:
        return f"{self.quote(name.schema)}.{self.quote(name.name)}"

    def type(self, type_: ColumnType) -> Iterator[str]:
        """An enum, domain, composite or range type."""
        name = self.name(TableName(type_.schema, type_.name))
        lines = type_.definition
        if type_.kind == "enum":
            yield f"CREATE TYPE {name} AS ENUM {_listed(map(quote_literal, lines))};"
        elif type_.kind == "domain":
            # A check that was never validated can only be added afterwards.
            late = [line for line in lines if line.startswith("CONSTRAINT ") and line.endswith(" NOT VALID")]
            yield f"CREATE DOMAIN {name} AS " + "\n    ".join(line for line in lines if line not in late) + ";"
            yield from (f"ALTER DOMAIN {name} ADD {line};" for line in late)
        else:
            word = "AS RANGE" if type_.kind == "range" else "AS"
            yield f"CREATE TYPE {name} {word} {_listed(lines)};"

    def routine(self, routine: Routine) -> str:
        return (routine.definition or "").rstrip() + ";"

    def sequence(self, sequence: Sequence) -> str:
        word = "UNLOGGED SEQUENCE" if sequence.persistence == "unlogged" else "SEQUENCE"
        return f"CREATE {word} {self.name(sequence.name)} AS {sequence.data_type} {_sequence_options(sequence)};"

    def view(self, view: Table) -> str:
        definition = (view.definition or "").strip().rstrip(";")
        if view.kind == "matview":
            return f"CREATE MATERIALIZED VIEW {self.name(view.name)} AS\n{definition}\nWITH NO DATA;"
        return f"CREATE VIEW {self.name(view.name)} AS\n{definition};"

    def table(
        self,
        table: Table,
        *,
        identities: Mapping[str, Sequence],
        not_nulls: Mapping[tuple[int, str], tuple[str, str]],
        apart: Collection[str],
        inheritance: Inheritance,
    ) -> Iterator[str]:
        """CREATE TABLE with its columns, keys and checks, less the parts that stand ``apart`` or that parents give."""
        columns = [column for column in table.columns if not inheritance.brings(table, column)]
        brought = [column for column in table.columns if inheritance.brings(table, column)]
        later = [index for index in table.indexes if index.primary and inheritance.gives_not_null(table)]
        lines, altered = [], []
        for column in columns:
            before, after = not_nulls.get((table.oid, column.name), ("", ""))
            not_null = f"{before}NOT NULL{after}" if inheritance.is_own_not_null(table, column) else ""
            line = self._column(column, identities.get(column.name), apart, "")
            if " DEFAULT " not in line and self._is_plain(column) and inheritance.gives_default(table, column):
                line += " DEFAULT NULL"
                altered.append((column, "DROP DEFAULT"))
            lines.append(f"{line} {not_null}".rstrip())
        for column in brought:
            before, after = not_nulls.get((table.oid, column.name), ("", ""))
            if inheritance.has_not_null_constraints and inheritance.is_own_not_null(table, column):
                if before or after:
                    lines.append(f"{before}NOT NULL {self.quote(column.name)}{after}")
                else:  # servers before 18 know this form alone
                    altered.append((column, "SET NOT NULL"))
            altered += [(column, words) for words in inheritance.beside(table, column, apart)]
            if column.identity and column.name in identities:
                altered.append((column, f"ADD {self._identity(column, identities[column.name])}"))
        lines += [
            f"CONSTRAINT {self.quote(index.constraint)} {index.constraint_definition}"
            for index in sorted(table.indexes, key=lambda index: (not index.primary, index.constraint or ""))
            if index.constraint is not None and is_key(index) and index not in later
        ]
        lines += [
            f"CONSTRAINT {self.quote(check.name)} {check.definition}"
            for check in table.checks
            if check.kind == "check" and check.validated and f"constraint {check.name}" not in apart
            and not inheritance.has(table, f"constraint {check.name}")
        ]  # fmt: skip
        yield self._create_table(table, lines, inheritance.parents(table))
        for column, words in altered:
            yield f"ALTER TABLE ONLY {self.name(table.name)} ALTER COLUMN {self.quote(column.name)} {words};"
        for index in later:  # in the list it would make the NOT NULL of its columns their own
            yield self.constraint(table.name, index.constraint or "", index.constraint_definition or "")

    def _create_table(self, table: Table, lines: Iterable[str], parents: Iterable[TableName]) -> str:
        word = "UNLOGGED TABLE" if table.persistence == "unlogged" else "TABLE"
        inherits = ", ".join(map(self.name, parents))
        end = f" INHERITS ({inherits})" if inherits else ""
        end += f" PARTITION BY {table.partition_key}" if table.partition_key else ""
        return f"CREATE {word} {self.name(table.name)} {_listed(lines)}{end};"

    def _column(self, column: Column, identity: Sequence | None, apart: Collection[str], not_null: str) -> str:
        words = [self.quote(column.name), column.type.text]
        if column.collation:
            words.append(f"COLLATE {column.collation}")
        if column.generated:
            words.append(f"GENERATED ALWAYS AS ({column.generation}) {column.generated.upper()}")
        elif column.identity and identity:
            words.append(self._identity(column, identity))
        elif column.default is not None and f"default {column.name}" not in apart:
            words.append(f"DEFAULT {column.default}")
        return " ".join([*words, not_null]).rstrip()

    def _identity(self, column: Column, sequence: Sequence) -> str:
        options = f"SEQUENCE NAME {self.name(sequence.name)} {_sequence_options(sequence)}"
        return f"GENERATED {column.identity.upper()} AS IDENTITY ({options})"

    @staticmethod
    def _is_plain(column: Column) -> bool:
        return not column.generated and not column.identity

    def part(self, table: Table, part: str) -> Iterator[str]:
        """The statement that adds the default or the constraint that ``part`` names to its table."""
        kind, _, name = part.partition(" ")
        if kind == "default":
            column = table.column(name)
            expression = column.default if column else None
            yield f"ALTER TABLE ONLY {self.name(table.name)} ALTER COLUMN {self.quote(name)} SET DEFAULT {expression};"
        for check in table.checks:
            if kind == "constraint" and check.name == name:
                yield self.constraint(table.name, name, check.definition)

    def constraint(self, table: TableName, name: str, definition: str) -> str:
        return f"ALTER TABLE {self.name(table)} ADD CONSTRAINT {self.quote(name)} {definition};"

    def parents(self, table: Table, made_with: Collection[TableName]) -> Iterator[str]:
        """Tie a partition or an inheritance child to its parents, but for those that it was ``made_with``."""
        if table.partition_of:
            parent, bound = self.name(table.partition_of), table.partition_bound
            yield f"ALTER TABLE ONLY {parent} ATTACH PARTITION {self.name(table.name)} {bound};"
        for legacy in table.inherits if not made_with else ():
            yield f"ALTER TABLE ONLY {self.name(table.name)} INHERIT {self.name(legacy)};"

    def index_marks(self, table: Table, index: Index) -> Iterator[str]:
        """What an index is used for beside finding rows."""
        relation = f"{'MATERIALIZED VIEW' if table.kind == 'matview' else 'TABLE'} {self.name(table.name)}"
        if index.is_clustered:
            yield f"ALTER {relation} CLUSTER ON {self.quote(index.name.name)};"
        if index.is_replica_identity:
            yield f"ALTER {relation} REPLICA IDENTITY USING INDEX {self.quote(index.name.name)};"

    def trigger_states(self, table: Table, made: Callable[[Trigger], bool]) -> Iterator[str]:
        for trigger in table.triggers:
            if trigger.state != "enabled" and made(trigger):
                word = _TRIGGER_STATES[trigger.state]
                yield f"ALTER TABLE ONLY {self.name(table.name)} {word} TRIGGER {self.quote(trigger.name)};"

    def row_security(self, table: Table) -> Iterator[str]:
        if table.rls_enabled:
            yield f"ALTER TABLE ONLY {self.name(table.name)} ENABLE ROW LEVEL SECURITY;"
        if table.rls_forced:
            yield f"ALTER TABLE ONLY {self.name(table.name)} FORCE ROW LEVEL SECURITY;"

    def policy(self, table: TableName, policy: Policy) -> str:
        roles = ", ".join("PUBLIC" if role == "public" else self.quote(role) for role in policy.roles)
        kind = "PERMISSIVE" if policy.permissive else "RESTRICTIVE"
        text = (
            f"CREATE POLICY {self.quote(policy.name)} ON {self.name(table)} AS {kind} FOR {policy.command} TO {roles}"
        )
        text += f"\n    USING ({policy.using})" if policy.using is not None else ""
        text += f"\n    WITH CHECK ({policy.check})" if policy.check is not None else ""
        return text + ";"


def is_key(index: Index) -> bool:
    """Whether the index belongs to a primary key or a unique constraint (not to an exclusion constraint)."""
    return index.constraint is not None and not (index.constraint_definition or "").startswith("EXCLUDE")


def quote_literal(text: str) -> str:
    """A string constant that reads the same whatever ``standard_conforming_strings`` says."""
    quoted = "'" + text.replace("'", "''").replace("\\", "\\\\") + "'"
    return "E" + quoted if "\\" in text else quoted


def _listed(lines: Iterable[str]) -> str:
    body = ",\n".join("    " + line for line in lines)
    return f"(\n{body}\n)" if body else "()"


def _sequence_options(sequence: Sequence) -> str:
    return (
        f"START WITH {sequence.start} INCREMENT BY {sequence.increment} MINVALUE {sequence.minimum} "
        f"MAXVALUE {sequence.maximum} CACHE {sequence.cache}" + (" CYCLE" if sequence.cycle else "")
    )
