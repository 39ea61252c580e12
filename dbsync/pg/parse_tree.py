"""The server's printed tree of a statement, and its text without the values. Pure.

What a value is written in is given its type while the server parses the statement, and that can run the checks of
domains. With a parameter in its place the server finds the same type, and nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from dbsync.sqltext import tokens

# The server escapes braces and blanks inside of names.
_PIECE = re.compile(r"\\.|\{(\w+)|(\})|:(\w+)\s+(\(o[\s\d]*\)|\d+)?", re.DOTALL)
_TYPE_FIELD = re.compile(r"(type|typeid|typid|types)$", re.IGNORECASE)
_CALL_FIELD = re.compile(r"\w*funcid|opno")
_LINE = 78  # bytes; a line ends at a blank, and where it has none in the midst of a name
# Places where a type is only told: what is there has it already. UNION and its like are not among them: they turn
# rows of one type into another without a node that says so.
_TOLD = frozenset(
    {
        ("VAR", "vartype"), ("FIELDSELECT", "resulttype"), ("SUBSCRIPTINGREF", "refcontainertype"),
        ("SUBSCRIPTINGREF", "refelemtype"), ("SUBSCRIPTINGREF", "refrestype"), ("SUBLINK PARAM", "paramtype"),
        ("COMMONTABLEEXPR", "ctecoltypes"), ("RTE", "coltypes"), ("RANGETBLENTRY", "coltypes"),
    }
)  # fmt: skip
_SUBLINK = "2"  # the kind of a parameter that stands for a column of a subquery
_TYPED_BEFORE = frozenset({"interval", "timestamp", "time"})  # keywords: always the server's own types


class TypePlace(NamedTuple):
    """A type in the tree, and the node that it is in."""

    type: int
    node: str


@dataclass(slots=True)
class _Open:
    """A node whose end is still to come."""

    node: str
    called: list[tuple[str, int]]
    on_column: bool = False


def types_made(tree: str) -> Iterator[TypePlace]:
    """Yield the types that the statement may turn something into."""
    nodes = [""]
    for node, end, field, value in _PIECE.findall(tree):
        if node:
            nodes.append(node)
        elif end and len(nodes) > 1:
            nodes.pop()
        elif (nodes[-1], field, value) == ("PARAM", "paramkind", _SUBLINK):
            nodes[-1] = "SUBLINK PARAM"
        elif value and _TYPE_FIELD.search(field) and (nodes[-1], field) not in _TOLD:
            for number in re.findall(r"\d+", value):
                yield TypePlace(int(number), nodes[-1])


def on_columns(tree: str) -> Iterator[tuple[str, int, bool]]:
    """Yield the functions and operators of an expression: field, oid, and whether an argument is a column itself.

    What has such an argument is not constant, whatever the server makes of the others.
    """
    nodes: list[_Open] = [_Open("", [])]
    for node, end, field, value in _PIECE.findall(tree):
        if node:
            nodes.append(_Open(node, []))
        elif end and len(nodes) > 1:
            done = nodes.pop()
            yield from ((name, oid, done.on_column) for name, oid in done.called)
            # A change of the type's name alone computes nothing.
            nodes[-1].on_column |= done.node == "VAR" or (done.node == "RELABELTYPE" and done.on_column)
        elif _CALL_FIELD.fullmatch(field) and value.isdigit():
            nodes[-1].called.append((field, int(value)))


def is_torn(tree: str) -> bool:
    """Whether a line ends in the midst of a name, so that its escapes cannot be told from the tree."""
    return any(len(line) >= _LINE and b" " not in line[1:] for line in tree.encode().split(b"\n"))


def without_values(statement: str, kept: Collection[int] = ()) -> tuple[str, dict[int, int]]:
    """Return the statement with a parameter for each string but the ``kept`` ones, and which string each stands for.

    ``interval '1 day'`` and its like stay: there the grammar wants a string, and the type is the server's own.
    """
    found = list(tokens(statement))
    last = max((int(token.text[1:]) for token in found if token.kind == "parameter"), default=0)
    pieces: list[str] = []
    strings: dict[int, int] = {}
    before, typed, place = "", False, 0
    for token in found:
        if token.kind == "string" and not typed and token.text[:2].lower() not in ("b'", "x'"):
            if place not in kept:
                strings[last + len(strings) + 1] = place
                pieces.append(f" ${last + len(strings)} ")
            else:
                pieces.append(token.text)
            place += 1
        else:
            pieces.append(token.text)
        if not token.silent:
            typed = token.kind == "word" and token.value in _TYPED_BEFORE and before != "."
            before = token.text
    return "".join(pieces), strings
