"""PURE: whether two prints of an expression or a view say the same in other words.

Up to version 15 every column of a view is printed with its table's name; from 16 on those of a query over one
table are not. ``s IN ('a', 'b')`` over a varchar is printed with a cast of the whole array, and with one of each
element once that print was read again: by a restored dump, or by a migration. Nothing else may differ.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from dbsync.sqltext import Token, tokens

UNQUALIFIED_SINCE = 160000
# After these a dot is that of a schema, never of a table and its column.
_BEFORE_SCHEMAS = frozenset({"collate", ":", "::", "."})
_AFTER_FROM = frozenset(["where", "group", "having", "window", "order", "limit", "offset", "fetch", "for"])
_QUERIES = frozenset({"select", "with", "values"})

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
    old, new = ([token.text for token in _meaning(text)] for text in (unqualified(older), newer))
    return old == new


def unqualified(older: str) -> str:
    """Return a view as servers from 16 on print it: columns of a query over one table stand without its name."""
    found = _meaning(older)
    nested = _nested(found)
    start, end = _from_clause(found)
    if start == end or _is_join(found, nested, start, end):
        return older
    pieces, position = [], 0
    for place, query in enumerate(nested):
        if not query and not start <= place < end and _is_prefix(found, place):
            pieces.append(older[position : found[place].start])
            position = found[place + 1].end
    return "".join([*pieces, older[position:]])


def _meaning(text: str) -> list[Token]:
    return [token for token in tokens(text) if not token.silent]


def _is_prefix(found: list[Token], place: int) -> bool:
    """Whether a table's name and a dot stand here before a column's: not a schema's, nor a whole row's (t.*)."""
    if place + 2 >= len(found) or found[place + 1].text != ".":
        return False
    names = all(found[at].kind in ("word", "name") for at in (place, place + 2))
    before = found[place - 1].value if place else ""
    return names and before not in _BEFORE_SCHEMAS and not _is_call(found, place + 2)


def _is_word(token: Token, words: Collection[str]) -> bool:
    return token.kind == "word" and token.value in words


def _is_call(found: list[Token], place: int) -> bool:
    return place + 1 < len(found) and found[place + 1].text == "("


def _nested(found: list[Token]) -> list[bool]:
    """For each token, whether it is part of a query within the query."""
    open_: list[bool] = [False]
    places = []
    for place, token in enumerate(found):
        if token.text == "(":
            inner = place + 1 < len(found) and _is_word(found[place + 1], _QUERIES)
            open_.append(open_[-1] or inner)
        places.append(open_[-1])
        if token.text == ")" and len(open_) > 1:
            open_.pop()
    return places


def _from_clause(found: list[Token]) -> tuple[int, int]:
    """Where the FROM of the outermost query begins and ends; nothing where there is none, or several queries."""
    depth, outer = 0, []
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not depth and token.kind == "word":
            outer.append(place)
    words = [found[place].value for place in outer]
    if "from" not in words or {"union", "intersect", "except"} & {*words}:
        return 0, 0
    begun = words.index("from")
    ends = (place for place in outer[begun:] if found[place].value in _AFTER_FROM)
    return outer[begun] + 1, next(ends, len(found))


def _is_join(found: list[Token], nested: list[bool], start: int, end: int) -> bool:
    """Whether a FROM clause names more than one table, function or query."""
    depth = 0
    for place in range(start, end):
        depth += {"(": 1, ")": -1}.get(found[place].text, 0)
        if not nested[place] and (_is_word(found[place], {"join"}) or (found[place].text == "," and not depth)):
            return True
    return False
