"""PURE: whether two prints of an expression or a view say the same in other words.

Up to version 15 every column of a view is printed with its table's name; from 16 on those of a query over one
table are not. ``s IN ('a', 'b')`` over a varchar is printed with a cast of the whole array, and with one of each
element once that print was read again: by a restored dump, or by a migration. Nothing else may differ.
"""

from __future__ import annotations

import re

from dbsync.sqltext import Token, tokens

UNQUALIFIED_SINCE = 160000
# After these a dot is that of a schema, never of a table and its column.
_BEFORE_SCHEMAS = frozenset({"collate", ":", "::", "operator", "from", "join", ".", "as"})


_ARRAY = "(ARRAY["
_ARRAY_OR_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\(ARRAY\[")
_ELEMENT_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|.", re.DOTALL)
_CAST = re.compile(
    r"\)::((?:\"(?:[^\"]|\"\")*\"|[\w.])+(?: varying| precision| with(?:out)? time zone)?(?:\(\d+(?:,\d+)?\))?)\[\]"
)


def canonical(text: str) -> str:
    """Return an expression as it is printed once its print was read again: arrays are cast by their elements."""
    if _ARRAY not in text:
        return text
    found, place, looking = [], 0, 0
    while piece := _ARRAY_OR_QUOTED.search(text, looking):
        looking = piece.end()
        if piece[0] != _ARRAY:
            continue
        elements, end = _elements(text, looking)
        if cast := _CAST.match(text, end):
            inner = ", ".join(f"({canonical(element)})::{cast[1]}" for element in elements)
            found += [text[place : piece.start()], f"ARRAY[{inner}]"]
            place = looking = cast.end()
    return "".join([*found, text[place:]])


def _elements(text: str, start: int) -> tuple[list[str], int]:
    """The elements of an array whose first one begins at ``start``, and where its bracket has closed."""
    found, depth, begun = [], 0, start
    for piece in _ELEMENT_PIECE.finditer(text, start):
        if piece[0] in ("]", ",") and not depth:
            found.append(text[begun : piece.start()].strip())
            begun = piece.end()
            if piece[0] == "]":
                break
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(piece[0], 0)
    return found, begun


def same_view(older: str, newer: str) -> bool:
    """Compare the print of a server before version 16 with that of a later one."""
    old, new = _meaning(older), _meaning(newer)
    alias: str | None = None
    place = 0
    for number, token in enumerate(new):
        if _is_prefix(old, place, alias) and not _is_dot(new, number + 1) and not _is_call(new, number):
            alias = old[place].value
            place += 2
        if place >= len(old) or old[place].text != token.text:
            return False
        place += 1
    return place == len(old)


def _meaning(text: str) -> list[Token]:
    return [token for token in tokens(text) if not token.silent]


def _is_prefix(old: list[Token], place: int, alias: str | None) -> bool:
    if place + 2 >= len(old) or not _is_dot(old, place + 1) or old[place].kind not in ("word", "name"):
        return False
    before = old[place - 1].value if place else ""
    return before not in _BEFORE_SCHEMAS and alias in (None, old[place].value)


def _is_dot(found: list[Token], place: int) -> bool:
    return place < len(found) and found[place].text == "."


def _is_call(found: list[Token], place: int) -> bool:
    return place + 1 < len(found) and found[place + 1].text == "("
