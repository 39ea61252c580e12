"""PURE: what a dump does not say of a schema and a copy has to have, put into the dump's text: versions and names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from dbsync.pg.quoting import literal, name
from dbsync.pg.script import Script
from dbsync.sqltext import Token

Column = tuple[str, str, str]  # schema, table, column
Insertion = tuple[int, str]  # where, and what


def with_versions(script: Script, versions: Mapping[str, str]) -> str:
    """The script's text, whose CREATE EXTENSION statements name the versions."""
    return _with(script.text, _versions(script, versions))


def shared_names(names: Mapping[Column, str]) -> Mapping[Column, str]:
    """Of names of NOT NULL those that another table of the schema has as well.

    LIKE and partitions copy them. pg_dump is silent on a usual name: a copy that comes first takes it.
    """
    times = Counter((schema, not_null) for (schema, _, _), not_null in names.items())
    return {column: not_null for column, not_null in names.items() if times[column[0], not_null] > 1}


def with_not_nulls(script: Script, names: Mapping[Column, str]) -> str:
    """The script's text, whose CREATE TABLE statements name these constraints."""
    return _with(script.text, _not_nulls(script, names))


def _with(text: str, insertions: Iterator[Insertion]) -> str:
    pieces, done = [], 0
    for place, words in insertions:
        pieces += [text[done:place], words]
        done = place
    return "".join([*pieces, text[done:]])


def _versions(script: Script, versions: Mapping[str, str]) -> Iterator[Insertion]:
    for statement in script.statements:
        words = [token.value for token in statement.tokens[:6]]
        if words[:5] == ["create", "extension", "if", "not", "exists"] and words[5] in versions:
            yield statement.tokens[-1].end, f" VERSION {literal(versions[words[5]])}"


def _not_nulls(script: Script, names: Mapping[Column, str]) -> Iterator[Insertion]:
    for statement in script.statements:
        words = [token.value for token in statement.tokens[:6]]
        at = words.index("table") + 1 if words[:1] == ["create"] and "table" in words[1:3] else len(words)
        if words[at + 1 : at + 2] != ["."]:
            continue
        for piece in _columns(statement.tokens):
            column = piece[:-2] if _words(piece[-2:]) == ["no", "inherit"] else piece
            named = names.get((words[at], words[at + 2], piece[0].value))
            if named and _words(column[-2:]) == ["not", "null"] and _words(column[-4:-3]) != ["constraint"]:
                yield column[-2].start, f"CONSTRAINT {name(named)} "


def _words(tokens: Sequence[Token]) -> list[str]:
    return [token.value if token.kind == "word" else "" for token in tokens]


def _columns(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """What stands between the commas of the first parentheses."""
    depth, piece = 0, list[Token]()
    for token in tokens:
        depth -= token.text == ")"
        if depth == 1 and token.text == "," or depth == 0 and token.text == ")":
            if piece:
                yield piece
            piece = []
            if depth == 0:
                return
        elif depth:
            piece.append(token)
        depth += token.text == "("
