"""Show rows that differ: read a few of them where a comparison found them, each value cut to what people can read."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dbsync.data.compare import Ends
from dbsync.data.delta import Sample
from dbsync.data.differences import RowDifference
from dbsync.data.plan import TableTask
from dbsync.model import TableName
from dbsync.pg.database import Session
from dbsync.pg.statements_compare import show_at
from dbsync.pg.text_rows import fetch_text

_LONGEST = 1000  # characters of a value
_FAR = 1_000_000  # as far as two values that begin alike are looked at for where they differ
_BEFORE = 20  # characters that are shown before that place
_COLUMNS = 500  # a SELECT gives at most 1,664 columns; each takes two
_ORDER = ("only_in_source", "only_in_target", "different")


class _Value(NamedTuple):
    """A value's text, cut, and a hash of all of it."""

    text: str | None
    hash: str | None


def shown(samples: Sequence[Sample], task: TableTask, ends: Ends) -> tuple[RowDifference, ...]:
    """Read the rows of both sides, still in the snapshots they were found in, and sort them by kind and key."""
    if not samples:
        return ()
    with ends.source.reader() as mine, ends.target.reader() as theirs:
        found = [_difference(sample, task, _Readers(mine, theirs, task, recode=ends.recode)) for sample in samples]
    return tuple(sorted(found, key=_place))


@dataclass(frozen=True, slots=True)
class _Readers:
    """Both sides' sessions."""

    source: Session
    target: Session
    task: TableTask
    recode: bool

    def rows(self, sample: Sample, columns: Sequence[str], longest: int) -> tuple[dict[str, _Value], dict[str, _Value]]:
        """Read some columns of a row on both sides; nothing of a side that has it not."""
        task = self.task
        return (
            _row(self.source, task.source, task.source_only, sample.source, columns, longest, self.recode),
            _row(self.target, task.target, task.target_only, sample.target, columns, longest, self.recode),
        )


def _difference(sample: Sample, task: TableTask, readers: _Readers) -> RowDifference:
    names = [pair.name for pair in task.columns]
    mine, theirs = readers.rows(sample, names, _LONGEST)
    either = mine or theirs
    if sample.kind == "different":
        names = [name for name in names if mine[name].hash != theirs[name].hash]
    shown = {
        name: (_cut(theirs[name].text) if theirs else None, _cut(mine[name].text) if mine else None) for name in names
    }
    for name in names:
        if mine and theirs and _cut(mine[name].text) == _cut(theirs[name].text):
            left, right = readers.rows(sample, [name], _FAR)
            shown[name] = _from_difference(right[name].text or "", left[name].text or "") or shown[name]
    return RowDifference(
        kind=sample.kind,
        key={name: _cut(either[name].text) for name in (task.key.names if task.key else ())},
        before={name: shown[name][0] for name in names if theirs},
        after={name: shown[name][1] for name in names if mine},
    )


def _from_difference(before: str, after: str) -> tuple[str, str] | None:
    """Both texts from just before they differ; None where they do so further on."""
    if before == after:
        return None
    start = len(os.path.commonprefix([before, after])) - _BEFORE
    first, second = ("…" + (_cut(text[start:]) or "") for text in (before, after))
    return first, second


def _row(
    session: Session,
    table: TableName,
    only: bool,
    place: bytes | None,
    columns: Sequence[str],
    longest: int,
    recode: bool,
) -> dict[str, _Value]:
    if place is None:
        return {}
    oid, _, location = place.decode("ascii").partition("(")
    row: dict[str, _Value] = {}
    for start in range(0, len(columns), _COLUMNS):
        some = columns[start : start + _COLUMNS]
        query = show_at(
            table, some, only=only, oid=int(oid or 0), location=f"({location}", longest=longest + 1, recode=recode
        )
        (values,) = fetch_text(session, query)
        row |= {name: _Value(*values[2 * number : 2 * number + 2]) for number, name in enumerate(some)}
    return row


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _place(row: RowDifference) -> tuple[int, list[tuple[int, str]]]:
    """Kind, then key: numbers by their value, which for whole ones is length and then digits."""
    values = (row.key or row.after or row.before).values()
    return _ORDER.index(row.kind), [(_size(value), value or "") for value in values]


def _size(value: str | None) -> int:
    return len(value) if value is not None and value.isascii() and value.isdigit() else 0
