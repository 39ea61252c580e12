"""What is asked of ``explore``: filters, orders and keys read from text; pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsync.data.explore_request import PageRequest, parse_filter, parse_sort, read_key, split_names, write_key
from dbsync.errors import ConfigError
from dbsync.model import Column, ColumnType, Table, TableName

TEXT = ColumnType(text="text", oid=25, schema="pg_catalog", name="text")
NAMES = ("id", "a b", "a=b", "x is null", 'q"q', "Upper", "a:desc", "~")
TABLE = Table(
    name=TableName("public", "t"),
    oid=1,
    columns=tuple(
        Column(name=name, position=place, type=TEXT, nullable=name != "id") for place, name in enumerate(NAMES, 1)
    ),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id=5", ("id", "=", "5")),
        ("id= 5 ", ("id", "=", " 5 ")),
        (" id >= 5", ("id", ">=", " 5")),
        ("id!=a=b", ("id", "!=", "a=b")),
        ("id=", ("id", "=", "")),
        ("id<>5", ("id", "!=", "5")),
        ("a b~50%", ("a b", "~", "50%")),
        ("a=b=c", ("a=b", "=", "c")),
        ('"a=b"=c', ("a=b", "=", "c")),
        ('"q""q"<1', ('q"q', "<", "1")),
        ("~~x", ("~", "~", "x")),
        ("id is null", ("id", "is null", "")),
        ("a b IS NOT NULL", ("a b", "is not null", "")),
        ('"x is null" is null', ("x is null", "is null", "")),
        ("id=x is null", ("id", "=", "x is null")),
    ],
)
def test_filters_are_read(text: str, expected: tuple[str, str, str]) -> None:
    found = parse_filter(text, TABLE)
    assert (found.column, found.operator, found.value) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [("nope=1", "no column 'nope'"), ("id", "cannot read"), ("", "cannot read"), ("id=a\0b", "NUL")],
)
def test_a_filter_that_makes_no_sense_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_filter(text, TABLE)


def test_the_nearest_column_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_filter("uper=1", TABLE)
    assert caught.value.hint == 'did you mean "Upper"?'


def test_orders_are_read() -> None:
    read = [parse_sort(text, TABLE) for text in ("id", "id:desc", "a b:ASC", "a:desc:desc", '"a:desc":desc')]
    assert [(key.column, key.descending, key.nullable) for key in read] == [
        ("id", False, False), ("id", True, False), ("a b", False, True), ("a:desc", True, True), ("a:desc", True, True),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="no column"):
        parse_sort("id:down", TABLE)


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0")), min_size=1, max_size=4))
def test_a_cursor_is_read_as_it_was_written(values: list[str | None]) -> None:
    names = [f"c{number}" for number in range(len(values))]
    written = write_key(values)
    assert written == "" or written.isprintable()
    assert read_key(written, names, "--after") == values


def test_keys_can_be_typed_by_hand() -> None:
    assert read_key("42", ["id"], "--key") == ["42"]
    assert read_key("a,b", ["id"], "--key") == ["a,b"]
    assert read_key('a,"b,c"', ["x", "y"], "--key") == ["a", "b,c"]
    assert read_key('["a",null]', ["x", "y"], "--key") == ["a", None]
    with pytest.raises(ConfigError, match=r"--key needs 2 values \(x, y\) and got 1"):
        read_key("a", ["x", "y"], "--key")


def test_names_are_split_outside_quotes() -> None:
    assert list(split_names('a,"b,c",d')) == ["a", '"b,c"', "d"]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_limit(limit: int) -> None:
    with pytest.raises(ConfigError, match="between 1 and 1000"):
        PageRequest(limit=limit)
