"""PURE: whether two servers of different versions print the same view.

Up to version 15 every column of a view is printed with its table's name; from 16 on those of a query over one
table are not. Nothing else may differ.
"""

from __future__ import annotations

from dbsync.sqltext import Token, tokens

UNQUALIFIED_SINCE = 160000
# After these a dot is that of a schema, never of a table and its column.
_BEFORE_SCHEMAS = frozenset({"collate", ":", "::", "operator", "from", "join", ".", "as"})


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
