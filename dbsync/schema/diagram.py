"""An entity-relationship diagram in Mermaid's language, valid whatever the names are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from dbsync.model import Catalog, Column, ForeignKey, Table, TableName, quote_identifier

# Mermaid reads these inside quotes too: % begins comments, ~ generics, \\ and " end or spoil the text.
_SPECIAL = re.compile(r'["#%:;~\\`]')
_DIRECTION = re.compile(r"(direction)\s", re.IGNORECASE)  # a line that holds "direction TB" is a statement
_NOT_IN_WORDS = re.compile(r"[^A-Za-z0-9_\u00C0-\uFFFF]+")
_KEYWORDS = frozenset({"pk", "fk", "uk"})


def mermaid(catalog: Catalog) -> Iterator[str]:
    """Yield the lines of an erDiagram: tables with their columns, foreign keys as relationships.

    A partition is part of its root and does not show; an odd column name is shown in the comment.
    """
    tables = [table for table in catalog.of_kind("table", "partitioned", "foreign") if table.partition_of is None]
    yield "erDiagram\n"
    for table in tables:
        yield f"    {_entity(table.name)} {{\n"
        for column in table.columns:
            yield f"        {_attribute(table, column)}\n"
        yield "    }\n"
    for table in tables:
        for key in table.foreign_keys:
            yield f"    {_relationship(table, key)}\n"


def _entity(name: TableName) -> str:
    return _quoted(quote_identifier(name.name) if name.schema == "public" else str(name))


def _attribute(table: Table, column: Column) -> str:
    words = [_word(column.type.text), _word(column.name)]
    primary = table.primary_key
    marks = [
        ("PK", primary is not None and column.name in primary.columns),
        ("FK", any(column.name in key.columns for key in table.foreign_keys)),
        ("UK", any(key.columns == (column.name,) and not key.primary for key in table.keys)),
    ]
    words += [", ".join(mark for mark, holds in marks if holds)]
    words += [_quoted(column.name)] if words[1] != column.name else []
    return " ".join(word for word in words if word)


def _relationship(table: Table, key: ForeignKey) -> str:
    optional = any(column.nullable for column in table.columns if column.name in key.columns)
    single = any(set(unique.columns) <= set(key.columns) for unique in table.keys)
    line = f"{'|o' if optional else '||'}--{'o|' if single else 'o{'}"
    return f"{_entity(key.ref_table)} {line} {_entity(table.name)} : {_quoted(key.name)}"


def _word(text: str) -> str:
    """The text as an attribute word, which may hold little more than letters."""
    word = "".join(
        character if character == "_" or character.isalnum() else "_" for character in _NOT_IN_WORDS.sub("_", text)
    )
    if text.endswith("[]"):
        word = word.rstrip("_") + "[]"
    if not word or not (word[0].isalpha() or word[0] == "_"):
        word = "_" + word
    return word + "_" if word.lower() in _KEYWORDS else word


def _quoted(text: str) -> str:
    visible = "".join(
        character.encode("unicode_escape").decode("ascii") if unicodedata.category(character)[0] == "C" else character
        for character in text
    )
    encoded = _SPECIAL.sub(lambda match: f"#{ord(match[0])};", visible)
    return '"' + _DIRECTION.sub(r"\1#32;", encoded) + '"'
