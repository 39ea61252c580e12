"""The tokens of a SQL text as PostgreSQL's own lexer cuts them (standard_conforming_strings on).

Pure. The text is never changed or interpreted beyond its tokens; whoever judges statements by them
must let the server have the last word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dbsync.errors import ConfigError, StatementFailed

Kind = Literal["word", "name", "string", "number", "parameter", "operator", "mark", "comment", "blank"]

# The lexer folds ASCII letters only; str.lower() would also fold others.
_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_BLANK = re.compile(r"[ \t\n\r\f\v]+")
_LINE_COMMENT = re.compile(r"--[^\n\r]*")
_COMMENT_MARK = re.compile(r"/\*|\*/")
_WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*")
_NUMBER = re.compile(
    r"0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+"
    r"|(?:\d(?:_?\d)*(?:\.(?!\.)(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?"
)
_PARAMETER = re.compile(r"\$\d+")
_DOLLAR = re.compile(r"\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$")
_OPERATOR = re.compile(r"[~!@#^&|`?+\-*/%<>=]+")
_QUOTE_OPENING = re.compile(r"(?:[eEbBxXnN]|[uU]&)?'|(?:[uU]&)?\"")
_PLAIN_STRING = re.compile(r"[^']*(?:''[^']*)*'")
_ESCAPE_STRING = re.compile(r"(?:[^'\\]|''|\\.)*'", re.DOTALL)
_QUOTED_NAME = re.compile(r'[^"]*(?:""[^"]*)*"')
# A string goes on after a line break: 'a'\n'b' is one string, of the same sort as its beginning.
_CONTINUED = re.compile(r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'")
_UNICODE_ESCAPE = re.compile(r"\\(?:(\\)|\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))")


def require_utf8(text: str, what: str) -> str:
    """Return the text; raise ConfigError where it holds bytes that are not UTF-8, as an argument or stdin may."""
    try:
        text.encode()
    except UnicodeEncodeError:  # such bytes came as lone surrogates
        raise ConfigError(f"{what} is not UTF-8") from None
    return text


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. ``value`` is what it means: a word in lower case, a name without quotes."""

    kind: Kind
    text: str
    value: str
    start: int

    @property
    def end(self) -> int:
        """Where the next token begins."""
        return self.start + len(self.text)

    @property
    def silent(self) -> bool:
        """Whether it is a comment or blank."""
        return self.kind in ("comment", "blank")


def tokens(text: str) -> Iterator[Token]:
    """Yield every token; raise StatementFailed for a quote or comment that never ends."""
    if "\0" in text:
        raise ConfigError("the SQL text holds a NUL character")
    position = 0
    while position < len(text):
        token = _token(text, position)
        yield token
        position = token.end


def line_of(text: str, position: int) -> int:
    """The line, counted from 1, of a place in the text."""
    return text.count("\n", 0, position) + 1


def _token(text: str, start: int) -> Token:
    if match := _BLANK.match(text, start):
        return Token("blank", match[0], "", start)
    if match := _LINE_COMMENT.match(text, start):
        return Token("comment", match[0], "", start)
    if text.startswith("/*", start):
        return Token("comment", text[start : _comment_end(text, start)], "", start)
    if match := _QUOTE_OPENING.match(text, start):
        return _quoted(text, start, match[0])
    if match := _WORD.match(text, start):
        return Token("word", match[0], match[0].translate(_FOLD), start)
    if match := _PARAMETER.match(text, start):
        return Token("parameter", match[0], match[0], start)
    if match := _DOLLAR.match(text, start):
        return _dollar_quoted(text, start, match[0])
    if match := _NUMBER.match(text, start):
        return Token("number", match[0], match[0], start)
    if match := _OPERATOR.match(text, start):
        return _operator(match[0], start)
    return Token("mark", text[start], text[start], start)


def _comment_end(text: str, start: int) -> int:
    """Where a block comment ends; they nest."""
    depth, position = 0, start
    while match := _COMMENT_MARK.search(text, position):
        depth += 1 if match[0] == "/*" else -1
        position = match.end()
        if depth == 0:
            return position
    raise _endless(text, start, "comment")


def _quoted(text: str, start: int, opening: str) -> Token:
    after = start + len(opening)
    if opening.endswith('"'):
        match = _QUOTED_NAME.match(text, after)
        if match is None:
            raise _endless(text, start, "quoted name")
        name = match[0][:-1].replace('""', '"')
        return Token("name", opening + match[0], _unescaped(name) if len(opening) > 1 else name, start)
    body = _ESCAPE_STRING if opening[0] in "eE" else _PLAIN_STRING
    end = after
    while True:
        match = body.match(text, end)
        if match is None:
            raise _endless(text, start, "string")
        end = match.end()
        following = _CONTINUED.match(text, end)
        if following is None:
            break
        end = following.end()
    return Token("string", text[start:end], text[after : end - 1], start)


def _unescaped(name: str) -> str:
    """The characters that U&"..." spells; a UESCAPE clause with another escape is left to the server."""
    return _UNICODE_ESCAPE.sub(_escaped_character, name)


def _escaped_character(match: re.Match[str]) -> str:
    code = int(match[2] or match[3], 16) if not match[1] else ord("\\")
    return chr(code) if code <= 0x10FFFF else match[0]


def _dollar_quoted(text: str, start: int, tag: str) -> Token:
    end = text.find(tag, start + len(tag))
    if end < 0:
        raise _endless(text, start, "dollar-quoted string")
    return Token("string", text[start : end + len(tag)], text[start + len(tag) : end], start)


def _operator(run: str, start: int) -> Token:
    """An operator ends where a comment begins."""
    ends = [place for mark in ("--", "/*") if (place := run.find(mark)) > 0]
    text = run[: min(ends)] if ends else run
    return Token("operator", text, text, start)


def _endless(text: str, start: int, what: str) -> StatementFailed:
    return StatementFailed(
        f"the {what} that begins on line {line_of(text, start)} never ends", sqlstate="42601", code="SYNTAX"
    )
