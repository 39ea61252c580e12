"""Show rows that differ: read a few of them where a comparison found them, each value cut to what people can read."""

from __future__ import annotations

from collections.abc import Sequence
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
        found = [
            _difference(
                sample,
                task,
                _row(mine, task.source, task.source_only, sample.source, task, ends.recode),
                _row(theirs, task.target, task.target_only, sample.target, task, ends.recode),
            )
            for sample in samples
        ]
    return tuple(sorted(found, key=_place))


def _difference(sample: Sample, task: TableTask, mine: dict[str, _Value], theirs: dict[str, _Value]) -> RowDifference:
    either = mine or theirs
    names = [
        pair.name
        for pair in task.columns
        if sample.kind != "different" or mine[pair.name].hash != theirs[pair.name].hash
    ]
    return RowDifference(
        kind=sample.kind,
        key={name: _text(either[name]) for name in (task.key.names if task.key else ())},
        before={name: _text(theirs[name]) for name in names if theirs},
        after={name: _text(mine[name]) for name in names if mine},
    )


def _row(
    session: Session, table: TableName, only: bool, place: bytes | None, task: TableTask, recode: bool
) -> dict[str, _Value]:
    if place is None:
        return {}
    oid, _, location = place.decode("ascii").partition("(")
    columns = [pair.name for pair in task.columns]
    row: dict[str, _Value] = {}
    for start in range(0, len(columns), _COLUMNS):
        some = columns[start : start + _COLUMNS]
        query = show_at(
            table, some, only=only, oid=int(oid or 0), location=f"({location}", longest=_LONGEST + 1, recode=recode
        )
        (values,) = fetch_text(session, query)
        row |= {name: _Value(*values[2 * number : 2 * number + 2]) for number, name in enumerate(some)}
    return row


def _text(value: _Value) -> str | None:
    if value.text is None or len(value.text) <= _LONGEST:
        return value.text
    return value.text[:_LONGEST] + "…"


def _place(row: RowDifference) -> tuple[int, list[tuple[int, str]]]:
    """Kind, then key: numbers by their value, which for whole ones is length and then digits."""
    values = (row.key or row.after or row.before).values()
    return _ORDER.index(row.kind), [(_size(value), value or "") for value in values]


def _size(value: str | None) -> int:
    return len(value) if value is not None and value.isascii() and value.isdigit() else 0
