"""A SQL text cut into its statements. Pure; the pieces are exact parts of the text.

A semicolon ends a statement unless it stands in a string, a comment, a quoted name, parentheses
(CREATE RULE) or the BEGIN ATOMIC body of a function. What only psql understands is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbsync.errors import ConfigError
from dbsync.sqltext import Token, line_of, tokens

_META_COMMAND = re.compile(r"\\[A-Za-z!?+]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon; ``tokens`` are those that mean something.

    ``start`` is where ``text``, which may begin with a comment, stands among all statements, as the tokens have it.
    """

    text: str
    line: int
    tokens: tuple[Token, ...]
    start: int


def split_statements(text: str) -> list[Statement]:
    """Return the statements in order; empty ones are left out."""
    text = text.removeprefix("\ufeff")
    found: list[Statement] = []
    piece: list[Token] = []
    nesting = _Nesting()
    for token in tokens(text):
        if token.text == "\\":
            raise _meta_command(text, token)
        if token.text == ";" and nesting.at_top:
            found.extend(_statement(text, piece))
            piece, nesting = [], _Nesting()
            continue
        piece.append(token)
        if not token.silent:
            nesting.see(token)
    found.extend(_statement(text, piece))
    return found


class _Nesting:
    """Whether a semicolon at this place would end the statement."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._blocks = 0  # BEGIN ATOMIC, and each CASE inside it
        self._words: list[str] = []  # the first words, to tell CREATE FUNCTION
        self._previous = ""

    @property
    def at_top(self) -> bool:
        return self._parentheses == 0 and self._blocks == 0

    def see(self, token: Token) -> None:
        """Take the next token into account."""
        if token.kind == "mark" and token.text == "(":
            self._parentheses += 1
        elif token.kind == "mark" and token.text == ")":
            self._parentheses = max(self._parentheses - 1, 0)
        elif token.kind == "word":
            if len(self._words) < 4:
                self._words.append(token.value)
            if self._in_function() and self._previous not in (".", "as"):
                self._see_word(token.value)
        self._previous = token.value if token.kind in ("word", "mark") else ""

    def _in_function(self) -> bool:
        words = self._words[1:]
        if words[:2] == ["or", "replace"]:
            words = words[2:]
        return self._words[:1] == ["create"] and words[:1] in (["function"], ["procedure"], ["schema"])

    def _see_word(self, word: str) -> None:
        if self._blocks == 0:
            self._blocks = int(self._previous == "begin" and word == "atomic")
        elif word == "case":
            self._blocks += 1
        elif word == "end":
            self._blocks -= 1


def _statement(text: str, piece: list[Token]) -> Iterator[Statement]:
    meaning = tuple(token for token in piece if not token.silent)
    if meaning:
        start = next(token.start for token in piece if token.kind != "blank")
        whole = text[start : piece[-1].end]
        yield Statement(whole.rstrip(" \t\n\r\f\v"), line_of(text, meaning[0].start), meaning, start)


def _meta_command(text: str, token: Token) -> ConfigError:
    match = _META_COMMAND.match(text, token.start)
    name = match[0] if match else "\\"
    return ConfigError(
        f"line {line_of(text, token.start)}: {name} is a command of psql, not SQL",
        hint="run it in psql, or write it as SQL",
    )
