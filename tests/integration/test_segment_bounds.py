"""A row is in one segment, whoever asks: by what its key is divided to, or by the range of keys that are read."""

from __future__ import annotations

from contextlib import closing

import pytest

from dbsync.model import TableName
from dbsync.pg.copy_lines import copy_lines
from dbsync.pg.database import Database, Session
from dbsync.pg.statements import Statement
from dbsync.pg.statements_compare import ComparedTable
from dbsync.segments import KeyColumn, RowKey, Segmentation
from dbsync.urls import parse_url

_LEAST, _GREATEST = -(1 << 63), (1 << 63) - 1
_CUTS = {
    "small keys": (Segmentation(kind="range", count=3, base=10, width=10), range(-15, 56)),
    "negative keys": (Segmentation(kind="range", count=3, base=-10, width=10), range(-35, 36)),
    "the least keys of all": (
        Segmentation(kind="range", count=3, base=_LEAST + 4, width=10),
        range(_LEAST, -(1 << 63) + 40),
    ),
    "the greatest keys of all": (
        Segmentation(kind="range", count=3, base=_GREATEST - 24, width=10),
        range(_GREATEST - 40, _GREATEST + 1),
    ),
}


@pytest.mark.parametrize(("cutting", "keys"), _CUTS.values(), ids=_CUTS.keys())
def test_segments_hold_the_same_rows_however_they_are_read(cutting: Segmentation, keys: range, target_db) -> None:
    """Also rows with keys that were not there when the table was cut."""
    table = TableName("public", "t")
    side = ComparedTable(
        table,
        only=True,
        where=None,
        key=RowKey((KeyColumn("id", "text"),), integer=True),
        columns=[("id", "plain", False)],
        segmentation=cutting,
        recode=False,
    )
    with closing(Database(parse_url(target_db.url)).connect()) as session:
        session.execute("CREATE TABLE public.t (id bigint PRIMARY KEY)")
        for key in keys:
            session.execute("INSERT INTO public.t VALUES (%s)", [key])
        whole = _sums(session, side.sums(versions=True))
        assert set(whole) > {0, 1, 2}
        for segments in ([0], [1], [0, 1], [0, 2]):
            assert _sums(session, side.sums(versions=True, within=segments)) == {each: whole[each] for each in segments}


def _sums(session: Session, query: Statement) -> dict[int, tuple[int, ...]]:
    lines = [line for batch in copy_lines(session, query, check=lambda: None) for line in batch]
    return {numbers[0]: numbers[1:] for numbers in (tuple(map(int, line.split(b"\t"))) for line in lines)}
