"""Statements that compare tables segment by segment and repair what differs. Pure; built with psycopg.sql.

A *location* is a row version's ctid, after its relation's oid where one name stands for several relations. It
holds for as long as the snapshot it was read in.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dbsync.model import TableName
from dbsync.pg.conditions import all_of, located, one_of, users_own, where
from dbsync.pg.statements import ONCE, DigestColumn, Statement, names, relation, row_text
from dbsync.segments import KeyColumn, RowKey, Segmentation, runs_of

_KEY_SEED, _SUB_SEED = 7, 11
_MOST_RUNS = 100  # more ranges than this are found faster by one scan
_LEAST, _GREATEST = -(1 << 63), (1 << 63) - 1
_XID = (1 << 32) - 1
_TEXT = {
    "text": sql.SQL("{}"),
    "trimmed": sql.SQL("pg_catalog.trim_scale({})"),
    "unsigned_zero": sql.SQL("CASE WHEN {0} = 0 THEN 0 ELSE {0} END"),
    "unpadded": sql.SQL("{}::pg_catalog.text"),
}
# The planner knows nothing of what a segment's expression yields, takes each row for a group of its own and
# sorts the table; with these it hashes, in parallel where the server has processes to spare (measured: 0.4x).
PLANNING = (
    "SET LOCAL parallel_tuple_cost = 0; SET LOCAL parallel_setup_cost = 0; SET LOCAL jit = off;"
    "SET LOCAL enable_sort = off"
)
# Where rows are not hashed it pays only if the workers add up themselves.
VERSION_PLANNING = "SET LOCAL parallel_tuple_cost = 0.1; SET LOCAL jit = off; SET LOCAL enable_sort = off"


class ComparedTable:
    """One side of a comparison: how its rows are segmented, spelled and filtered."""

    def __init__(
        self,
        table: TableName,
        *,
        only: bool,
        where: str | None,
        key: RowKey | None,
        columns: Sequence[DigestColumn],
        segmentation: Segmentation,
        recode: bool,
    ) -> None:
        self.table, self.only, self.where = table, only, where
        self.key, self.segmentation, self.recode = key, segmentation, recode
        self.row = row_text(columns, recode=recode)

    def sums(
        self, *, versions: bool, hashed: Sequence[int] | None = None, within: Sequence[int] | None = None
    ) -> Statement:
        """COPY per segment: number, rows, two sums of row hashes, and with ``versions`` the signature.

        With ``hashed`` only those segments' contents are hashed; the others have sums of 0. With ``within`` only
        those segments are read at all.
        """
        row: sql.Composable = self.row
        if hashed is not None:
            row = sql.SQL("CASE WHEN {} THEN {} END").format(_among(self._segment(), hashed), row)
        return sql.SQL(
            "COPY (SELECT g, pg_catalog.count(*), COALESCE(pg_catalog.sum({first}), 0), "
            "COALESCE(pg_catalog.sum({second}), 0), {versions} FROM {rows} GROUP BY g) TO STDOUT"
        ).format(
            first=_hashed(0),
            second=_hashed(1),
            versions=sql.SQL("COALESCE(pg_catalog.sum(v), 0)" if versions else "0"),
            rows=self._texts(self._segment(), row, within, *([_SIGNATURE + sql.SQL(" AS v")] if versions else [])),
        )

    def versions(self, within: Sequence[int] | None = None) -> Statement:
        """The same as ``sums`` without hashing any row."""
        return sql.SQL(
            "COPY (SELECT g, pg_catalog.count(*), 0, 0, pg_catalog.sum(v) "
            "FROM (SELECT {g} AS g, {version} AS v FROM {table}{where}) AS s GROUP BY g) TO STDOUT"
        ).format(
            g=self._segment(),
            version=_SIGNATURE,
            table=relation(self.table, only=self.only),
            where=self._conditions(within),
        )

    def newer(self, since: int) -> Statement:
        """COPY one segment 0: rows, and as its signature 1 where a transaction from ``since`` on has made one of them.

        A third of the price of ``versions``: no row is hashed or grouped.
        """
        return sql.SQL(
            "COPY (SELECT 0, pg_catalog.count(*), 0, 0, "
            "COALESCE((pg_catalog.min(pg_catalog.age(xmin)) <= {since})::int4, 0) FROM {table}) TO STDOUT"
        ).format(since=_age(since), table=relation(self.table, only=self.only))

    def newer_segments(self, since: int) -> Statement:
        """COPY per segment that has any the rows that a transaction from ``since`` on has made, in place of all."""
        return sql.SQL(
            "COPY (SELECT {g}, pg_catalog.count(*), 0, 0, 0 FROM {table} WHERE {newer} GROUP BY 1) TO STDOUT"
        ).format(g=self._segment(), newer=_newer(since), table=relation(self.table, only=self.only))

    def newer_outside(self, since: int, segments: Sequence[int]) -> Statement:
        """SELECT the number of rows, and of those outside some segments that a transaction from ``since`` on made."""
        return sql.SQL(
            "SELECT pg_catalog.count(*), "
            "pg_catalog.count(*) FILTER (WHERE {newer} AND {inside} IS NOT TRUE) FROM {table}"
        ).format(
            newer=_newer(since),
            inside=sql.SQL("({})").format(_among(self._segment(), segments)),
            table=relation(self.table, only=self.only),
        )

    def groups(self, segments: Sequence[int], *, parts: int) -> Statement:
        """COPY sums of some segments' groups in order of ``segment * parts + part``: that number, rows, two sums."""
        # Hashed below: rows of more groups than fit into memory go to temporary files, and texts would fill the disk.
        return sql.SQL(
            "COPY (SELECT g, pg_catalog.count(*), pg_catalog.sum(a), pg_catalog.sum(b) "
            "FROM (SELECT g, {first} AS a, {second} AS b, {once} FROM {rows}) AS s GROUP BY g ORDER BY g) TO STDOUT"
        ).format(
            once=ONCE,
            first=_hashed(0),
            second=_hashed(1),
            rows=self._texts(self._group(parts), self.row, segments),
        )

    def _texts(
        self, group: sql.Composable, row: sql.Composable, segments: Sequence[int] | None, *more: sql.Composable
    ) -> sql.Composed:
        """A subquery: of each row to be compared its group g, its text r, made once, and what else is wanted."""
        return sql.SQL("(SELECT {columns} FROM {table}{where}) AS s").format(
            columns=_list([group + sql.SQL(" AS g"), row + sql.SQL(" AS r"), *more, ONCE]),
            table=relation(self.table, only=self.only),
            where=self._conditions(segments),
        )

    def rows(
        self, segments: Sequence[int], *, parts: int, among: Sequence[int] | None = None, by_hash: bool = False
    ) -> Statement:
        """COPY the rows of some segments in order of ``segment * parts + part``; with ``among`` only of those numbers.

        Each line: that number, location, the key's columns, two hashes, by which ``by_hash`` orders within a number.
        """
        group = self._group(parts)
        key = [_spelled(column) for column in self.key.columns] if self.key else []
        labels = [sql.Identifier(f"k{number}") for number in range(len(key))]
        return sql.SQL(
            "COPY (SELECT {out} FROM (SELECT {inner} FROM {table}{where} OFFSET 0) AS s ORDER BY {order}) TO STDOUT"
        ).format(
            out=_list([
                sql.SQL("g"), sql.SQL("l"), *labels, _hashed(0) + sql.SQL(" AS a"), _hashed(1) + sql.SQL(" AS b"),
            ]),
            order=sql.SQL("g, a, b" if by_hash else "g"),
            inner=_list([
                sql.SQL("{} AS g").format(group),
                sql.SQL("{} AS l").format(self._location()),
                *(sql.SQL("{} AS {}").format(text, label) for text, label in zip(key, labels, strict=True)),
                sql.SQL("{} AS r").format(self.row),
            ]),
            table=relation(self.table, only=self.only),
            where=self._conditions(segments, *([_among(group, among)] if among is not None else [])),
        )  # fmt: skip

    def _conditions(self, segments: Sequence[int] | None, *more: sql.Composable) -> sql.Composable:
        """WHERE, for the rows of some segments that are to be compared."""
        conditions = [*more]
        if segments is not None and len(segments) < self.segmentation.count:
            conditions.append(self._in_segments(segments))
        if self.where is not None:
            conditions.append(users_own(self.where))
        return all_of(conditions)

    def sums_at(self, oid: int, location: str) -> Statement:
        """SELECT the segment and both hashes of the row at a location."""
        rows = sql.SQL("SELECT {} AS g, {} AS r FROM {}").format(
            self._segment(), self.row, relation(self.table, only=self.only)
        ) + located(oid, [location])
        return sql.SQL("SELECT g, {}, {} FROM ({} OFFSET 0) AS s").format(_hashed(0), _hashed(1), rows)

    def keyed_at(self, oid: int, locations: Sequence[str]) -> Statement:
        """SELECT of the rows at some locations: location, key as one text, segment, two hashes, the key's values."""
        assert self.key is not None
        values = [sql.SQL("({})::pg_catalog.text").format(_spelled(column)) for column in self.key.columns]
        labels = [sql.Identifier(f"v{number}") for number in range(len(values))]
        rows = sql.SQL("SELECT {} FROM {}").format(
            _list([
                self._location() + sql.SQL(" AS l"),
                self._key_label() + sql.SQL(" AS k"),
                self._segment() + sql.SQL(" AS g"),
                self.row + sql.SQL(" AS r"),
                *(sql.SQL("{} AS {}").format(value, label) for value, label in zip(values, labels, strict=True)),
            ]),
            relation(self.table, only=self.only),
        )  # fmt: skip
        return sql.SQL("SELECT {} FROM ({} OFFSET 0) AS s").format(
            _list([sql.SQL("l, k, g"), _hashed(0), _hashed(1), *labels]), rows + located(oid, locations)
        )

    def having(self, keys: Sequence[Sequence[str]]) -> Statement:
        """SELECT key as one text, location and two hashes of the rows with some keys, matching the condition or not."""
        assert self.key is not None
        rows = sql.SQL("SELECT {} AS k, {} AS l, {} AS r FROM {} WHERE {} OFFSET 0").format(
            self._key_label(),
            self._location(),
            self.row,
            relation(self.table, only=self.only),
            one_of(self.key.names, keys),
        )
        return sql.SQL("SELECT k, l, {}, {} FROM ({}) AS s").format(_hashed(0), _hashed(1), rows)

    def any_apart(self) -> Statement:
        """SELECT whether any row does not match the condition."""
        assert self.where is not None
        condition = where(sql.SQL("true"), apart=self.where)
        return sql.SQL("SELECT EXISTS (SELECT FROM {}{})").format(relation(self.table, only=self.only), condition)

    def _location(self) -> sql.Composable:
        return sql.SQL("ctid::pg_catalog.text" if self.only else "(tableoid::pg_catalog.text || ctid::pg_catalog.text)")

    def _key_label(self) -> sql.Composable:
        """The key as one text, by which rows of both sides are matched here."""
        assert self.key is not None
        return sql.SQL("ROW({})::pg_catalog.text").format(_list([_spelled(column) for column in self.key.columns]))

    def _group(self, parts: int) -> sql.Composable:
        """The number of a row's group: its segment, cut into parts by a hash of the key."""
        if parts == 1:
            return self._segment()
        part = sql.SQL("(pg_catalog.hashtextextended({}, {}) & {})").format(
            self._key_text(), sql.Literal(_SUB_SEED), sql.Literal(parts - 1)
        )
        return sql.SQL("({} * {} + {})").format(self._segment(), sql.Literal(parts), part)

    def _segment(self) -> sql.Composable:
        cutting = self.segmentation
        if cutting.kind == "range":
            assert self.key is not None
            (column,) = self.key.names
            return sql.SQL("(({}::int8 - {}) / {})").format(
                sql.Identifier(column), _int8(cutting.base), _int8(cutting.width)
            )
        if cutting.kind == "whole" or cutting.count == 1:
            return sql.SQL("0::int8")
        return sql.SQL("((pg_catalog.hashtextextended({}, {}) & {}) % {})").format(
            self._key_text(), sql.Literal(_KEY_SEED), sql.Literal(_GREATEST), sql.Literal(cutting.count)
        )

    def _key_text(self) -> sql.Composable:
        """One text of the whole key; of the whole row where there is no key."""
        if self.key is None:
            text: sql.Composable = self.row
        elif len(self.key.columns) == 1:
            text = sql.SQL("({})::pg_catalog.text").format(_spelled(self.key.columns[0]))
        else:
            text = sql.SQL("ROW({})::pg_catalog.text").format(_list([_spelled(column) for column in self.key.columns]))
        if self.recode and self.key is not None:
            text = sql.SQL("pg_catalog.encode(pg_catalog.convert_to({}, 'UTF8'), 'hex')").format(text)
        return sql.SQL('{} COLLATE pg_catalog."C"').format(text)

    def _in_segments(self, segments: Sequence[int]) -> sql.Composable:
        """The condition that ``_segment`` gives one of these, for whatever key."""
        runs = runs_of(segments)
        if self.segmentation.kind != "range" or not runs or len(runs) > _MOST_RUNS:
            return _among(self._segment(), segments)
        assert self.key is not None
        column = sql.Identifier(self.key.names[0])
        return sql.SQL("({})").format(
            sql.SQL(" OR ").join(
                sql.SQL("({0} >= {1} AND {0} <= {2})").format(column, _int8(low), _int8(high))
                for low, high in map(self._keys_of, runs)
            )
        )

    def _keys_of(self, run: tuple[int, int]) -> tuple[int, int]:
        """The least and the greatest key of some neighbouring segments.

        Division goes towards zero: the first segment holds keys just below the base too, which rows can get that are
        written after the table was cut.
        """
        first, end = run
        base, width = self.segmentation.base, self.segmentation.width
        low = base + first * width if first else base - width + 1
        return max(low, _LEAST), min(base + end * width - 1, _GREATEST)


# A number of the row version: place, and transaction that made it. The latter by value, whatever the clock of
# transactions says; through an array, since no function hashes an xid by itself and age() keeps workers out.
_SIGNATURE = sql.SQL("pg_catalog.hashtidextended(ctid, pg_catalog.hash_array_extended(ARRAY[xmin], 0))")


def key_bounds(table: TableName, column: str, *, only: bool, where: str | None) -> Statement:
    """The least and the greatest value of an integer key, NULLs where there is no row."""
    return sql.SQL("SELECT pg_catalog.min({0})::int8, pg_catalog.max({0})::int8 FROM {1}").format(
        sql.Identifier(column), relation(table, only=only)
    ) + all_of([users_own(where)] if where is not None else [])


def select_at(table: TableName, columns: Sequence[str], *, only: bool, oid: int, locations: Sequence[str]) -> Statement:
    """SELECT the rows at some locations of one relation."""
    return sql.SQL("SELECT {} FROM {}").format(names(columns), relation(table, only=only)) + located(oid, locations)


def locations(table: TableName, *, only: bool, where: str | None) -> Statement:
    """COPY the location of every row."""
    location = sql.SQL("ctid::pg_catalog.text" if only else "tableoid::pg_catalog.text || ctid::pg_catalog.text")
    rows = sql.SQL("SELECT {} FROM {}").format(location, relation(table, only=only))
    return sql.SQL("COPY ({}) TO STDOUT").format(rows + all_of([users_own(where)] if where is not None else []))


def text_at(
    table: TableName, key: Sequence[str], columns: Sequence[str], *, only: bool, oid: int, location: str
) -> Statement:
    """SELECT the key and the columns of the row at a location as text, no longer than a million characters."""
    shown = [
        sql.SQL("pg_catalog.left(ROW({})::pg_catalog.text, 1000000)").format(names(listed)) if listed else sql.NULL
        for listed in (key, columns)
    ]
    return sql.SQL("SELECT {} FROM {}").format(_list(shown), relation(table, only=only)) + located(oid, [location])


def show_at(
    table: TableName, columns: Sequence[str], *, only: bool, oid: int, location: str, longest: int, recode: bool
) -> Statement:
    """SELECT of one row's columns the text, cut after ``longest`` characters, and a hash of all of it, in turns."""
    shown: list[sql.Composable] = []
    for name in columns:
        text: sql.Composable = sql.SQL("{}::pg_catalog.text").format(sql.Identifier(name))
        shown.append(sql.SQL("pg_catalog.left({}, {})").format(text, sql.Literal(longest)))
        if recode:
            text = sql.SQL("pg_catalog.encode(pg_catalog.convert_to({}, 'UTF8'), 'hex')").format(text)
        shown.append(sql.SQL('pg_catalog.hashtextextended({} COLLATE pg_catalog."C", 0)').format(text))
    return sql.SQL("SELECT {} FROM {}").format(_list(shown), relation(table, only=only)) + located(oid, [location])


def _int8(value: int) -> sql.Composable:
    """A bigint; quoted, since the least of all is no literal: minus is applied to a number that is too great."""
    return sql.SQL("{}::pg_catalog.int8").format(sql.Literal(str(value)))


def spelled(table: TableName, columns: Sequence[KeyColumn], *, only: bool, where: sql.Composable) -> Statement:
    """SELECT the texts of some columns, spelled as they are compared, of the rows that ``where`` (with WHERE) names."""
    texts = [sql.SQL("({})::pg_catalog.text").format(_spelled(column)) for column in columns]
    return sql.SQL("SELECT {} FROM {}").format(_list(texts), relation(table, only=only)) + where


def condition_on(table: TableName, columns: Sequence[str], condition: str, *, only: bool) -> Statement:
    """A query that fails where a condition of the user's reads anything of the table but these columns."""
    rows = sql.SQL("SELECT {} FROM {}").format(names(columns), relation(table, only=only))
    return sql.SQL("SELECT FROM ({}) AS {} WHERE {} LIMIT 0").format(
        rows, sql.Identifier(table.name), users_own(condition)
    )


def _among(segment: sql.Composable, segments: Sequence[int]) -> sql.Composable:
    listed = "{" + ",".join(map(str, segments)) + "}"
    return sql.SQL("{} = ANY ({}::pg_catalog.int8[])").format(segment, sql.Literal(listed))


def _age(xid: int) -> sql.Composable:
    """How many transactions ago one was; of its number with the epoch the server keeps the lower half."""
    return sql.SQL("pg_catalog.age({}::pg_catalog.xid)").format(sql.Literal(str(xid & _XID)))


def _newer(since: int) -> sql.Composable:
    """Whether a transaction from ``since`` on has made a row, or one so long ago that it looks like one of these."""
    return sql.SQL("pg_catalog.age(xmin) <= (SELECT {})").format(_age(since))


def _hashed(seed: int) -> sql.Composable:
    return sql.SQL('pg_catalog.hashtextextended(r COLLATE pg_catalog."C", {})').format(sql.Literal(seed))


def _spelled(column: KeyColumn) -> sql.Composable:
    return _TEXT[column.spelling].format(sql.Identifier(column.name))


def _list(items: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(items)
