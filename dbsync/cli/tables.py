"""Rows as text: aligned tables for people, Markdown, CSV. Cells are text or None (SQL's NULL).

Text and Markdown are made harmless for a terminal. CSV is exact, so that it can be loaded again.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from dbsync.cli.terminal import escape

Row = Sequence[str | None]
_ELLIPSIS = "…"
_UNITS = ("kB", "MB", "GB", "TB")


def text_table(
    header: Sequence[str], rows: Iterable[Row], *, right: Iterable[int] = (), null: str = "", widest: int | None = 80
) -> Iterator[str]:
    """Yield the lines of an aligned table; numbers of the ``right`` columns end at the same place."""
    cells = [[_cell(value, null, widest) for value in row] for row in rows]
    titles = [_cell(title, "", None) for title in header]
    widths = [max(map(_width, column)) for column in zip(titles, *cells, strict=True)]
    to_right = frozenset(right)
    yield _line(titles, widths, to_right)
    yield "  ".join("─" * width for width in widths) + "\n"
    for row in cells:
        yield _line(row, widths, to_right)


def _cell(value: str | None, null: str, widest: int | None) -> str:
    text = escape(null if value is None else value)
    return text if widest is None or len(text) <= widest else text[: widest - 1] + _ELLIPSIS


def _line(cells: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    padded = []
    for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        blanks = " " * (width - _width(cell))
        padded.append(blanks + cell if number in right else cell + blanks)
    return "  ".join(padded).rstrip() + "\n"


def _width(text: str) -> int:
    """The columns that a text takes on a terminal: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def markdown_table(
    header: Sequence[str], rows: Iterable[Row], *, right: Iterable[int] = (), null: str = ""
) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    to_right = frozenset(right)
    yield _markdown_line(header)
    yield "|" + "|".join("---:" if number in to_right else "---" for number in range(len(header))) + "|\n"
    for row in rows:
        yield _markdown_line(row, null)


def _markdown_line(cells: Row, null: str = "") -> str:
    return "| " + " | ".join(_markdown_cell(null if cell is None else cell) for cell in cells) + " |\n"


def _markdown_cell(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    escaped = (escape(line).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for line in lines)
    return "<br>".join(escaped)


def csv_lines(header: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield CSV lines as COPY would read them: NULL is nothing at all, an empty text is \"\"."""
    for row in itertools.chain((header,), rows):
        yield ",".join(_csv_cell(cell) for cell in row) + "\n"


def _csv_cell(value: str | None) -> str:
    if value is None:
        return ""
    # COPY reads a bare \. at the beginning of a line as the end of the data
    if value == "" or value == "\\." or any(character in value for character in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def humane_size(size: float) -> str:
    """A number of bytes for people: ``96.0 MB``; units are powers of 1024, as in Postgres."""
    if size < 1024:
        return f"{size:.0f} B"
    power = min(int(math.log(size, 1024)), len(_UNITS))
    return f"{size / 1024**power:.1f} {_UNITS[power - 1]}"


def humane_count(count: float) -> str:
    """A number for people: ``1,204,551``."""
    return f"{count:,.0f}"


def humane_time(seconds: float) -> str:
    """A time span for people: ``0:00:14``."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
