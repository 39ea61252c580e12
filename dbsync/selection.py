"""Table patterns as typed on the command line: ``public.*``, ``orders``, ``"Odd Schema"."Odd.Table"``.

A part in double quotes is taken literally; ``*`` and ``?`` in the others match any characters. A
pattern without a schema means ``public``, as a plain name does in psql's default search path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from dbsync.errors import ConfigError
from dbsync.model import TableName

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


@dataclass(frozen=True, slots=True)
class TablePattern:
    """One pattern; ``text`` is what was typed."""

    text: str
    _schema: re.Pattern[str]
    _name: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> TablePattern:
        """Read a pattern; raise ConfigError when it is not ``name`` or ``schema.name``."""
        parts: list[str] = []
        position = 0
        while match := _PART.match(text, position):
            quoted, plain = match.groups()
            parts.append(re.escape(quoted.replace('""', '"')) if quoted is not None else _glob(plain))
            position = match.end()
            if text[position : position + 1] != ".":
                break
            position += 1
        if position != len(text) or not 1 <= len(parts) <= 2 or text.endswith("."):
            raise ConfigError(
                f"cannot read the table pattern {text!r}",
                hint='write table, schema.table, schema.* or "Schema"."Table"',
            )
        schema, name = parts if len(parts) == 2 else ("public", parts[0])
        return cls(text, re.compile(schema + r"\Z", re.DOTALL), re.compile(name + r"\Z", re.DOTALL))

    def matches(self, table: TableName) -> bool:
        """Whether the pattern names this table."""
        return bool(self._schema.match(table.schema) and self._name.match(table.name))


def select_tables(
    names: Iterable[TableName],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    where: str | None = None,
) -> list[TableName]:
    """Return the names that some ``include`` pattern matches (all when there is none) and no ``exclude`` does.

    Raises ConfigError, by name, for a pattern that matches nothing: a typo must not widen or
    narrow what is synchronised. ``where`` says in words what has the names: without it, the source, and for
    ``exclude`` both databases.
    """
    known = sorted(names)
    chosen = (
        {table for text in include for table in _matching(text, known, where or "the source")}
        if include
        else set(known)
    )
    for text in exclude:
        chosen.difference_update(_matching(text, known, where or "either database"))
    return sorted(chosen)


def _matching(text: str, known: Sequence[TableName], where: str) -> list[TableName]:
    pattern = TablePattern.parse(text)
    found = [table for table in known if pattern.matches(table)]
    if not found:
        near = get_close_matches(text, [str(table) for table in known] + [table.name for table in known], n=1)
        same_name = [str(table) for table in known if table.name == text]
        suggestion = next(iter(same_name + near), None)
        hint = f"did you mean {suggestion}?" if suggestion else "list the tables with: dbsync explore"
        raise ConfigError(f"no table matches {text!r} in {where}", hint=hint, code="NO_SUCH_TABLE")
    return found


def _glob(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in text)
