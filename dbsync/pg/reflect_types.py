"""Column types from catalog rows: each type with its element, its base and what defines it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dbsync.model import ColumnType

_KINDS = {
    "b": "base", "c": "composite", "d": "domain", "e": "enum", "r": "range", "m": "multirange", "p": "pseudo",
}  # fmt: skip


class Types:
    """The types of one database by oid, built when first asked for."""

    def __init__(self, types: Iterable[tuple[Any, ...]], definitions: Iterable[tuple[Any, ...]]) -> None:
        self._rows = {row[0]: row for row in types}
        self._built: dict[int, ColumnType] = {}
        lines: defaultdict[int, list[str]] = defaultdict(list)
        for oid, line in definitions:
            lines[oid].append(line)
        self._definitions = {oid: tuple(found) for oid, found in lines.items()}

    def user_defined(self) -> tuple[ColumnType, ...]:
        """The types that users made by hand, in name order."""
        return tuple(self._type(oid) for oid, row in self._rows.items() if row[-1])

    def of_column(self, oid: int, typmod: int, text: str) -> ColumnType:
        """The type of a column: as the plain type, with the column's own modifier and text."""
        plain = self._type(oid)
        if typmod == plain.typmod and text == plain.text:
            return plain
        # An array's modifier is its elements' too.
        element = plain.element and replace(plain.element, typmod=typmod, text=text.removesuffix("[]"))
        return replace(plain, typmod=typmod, text=text, element=element)

    def _type(self, oid: int) -> ColumnType:
        if oid not in self._built:
            self._built[oid] = self._build(oid)
        return self._built[oid]

    def _build(self, oid: int) -> ColumnType:
        _, schema, name, text, kind, element, base, base_typmod, base_text, extension, _ = self._rows[oid]
        element_type = self._type(element) if element else None
        return ColumnType(
            text=text,
            oid=oid,
            schema=schema,
            name=name,
            kind=_KINDS[kind],  # type: ignore[arg-type]  # typtype has no other letters
            element=element_type,
            base=self.of_column(base, base_typmod, base_text) if base else None,
            definition=self._definitions.get(oid, ()),
            extension=extension or (element_type.extension if element_type else None),
        )
