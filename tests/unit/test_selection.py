"""Table patterns choose what the user named, and nothing else."""

import pytest

from dbsync.errors import ConfigError
from dbsync.model import TableName, split_at
from dbsync.selection import TablePattern, select_tables

TABLES = [TableName("public", "orders"), TableName("public", "Odd.Table"), TableName("app", "orders")]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("orders", ["public.orders"]),
        ("*.orders", ["app.orders", "public.orders"]),
        ("public.*", ['public."Odd.Table"', "public.orders"]),
        ('public."Odd.Table"', ['public."Odd.Table"']),
        ('"Odd.Table"', ['public."Odd.Table"']),
        ("app.order?", ["app.orders"]),
        ("app.[a-z]rders", None),
        ("ORDERS", None),
    ],
)
def test_pattern(pattern, expected):
    if expected is None:
        with pytest.raises(ConfigError):
            select_tables(TABLES, include=[pattern])
    else:
        assert [str(table) for table in select_tables(TABLES, include=[pattern])] == expected


def test_a_star_in_quotes_is_a_character():
    assert not TablePattern.parse('public."*"').matches(TableName("public", "orders"))


@pytest.mark.parametrize("pattern", ["", ".", "a.", ".a", "a.b.c", '"a', 'a"b"'])
def test_malformed_pattern_is_a_usage_error(pattern):
    with pytest.raises(ConfigError, match="cannot read the table pattern"):
        TablePattern.parse(pattern)


def test_a_pattern_that_matches_nothing_names_itself_and_the_nearest_table():
    with pytest.raises(ConfigError, match="'public.order'") as caught:
        select_tables(TABLES, include=["public.order"])
    assert caught.value.hint == "did you mean public.orders?"


def test_a_name_in_another_schema_is_suggested():
    with pytest.raises(ConfigError) as caught:
        select_tables([TableName("app", "users")], include=["users"])
    assert caught.value.hint == "did you mean app.users?"


def test_excluding_what_does_not_exist_is_a_usage_error():
    with pytest.raises(ConfigError):
        select_tables(TABLES, exclude=["public.audit_*"])


def test_split_at_ignores_separators_in_quotes():
    assert split_at('"a:b".c:x > 1', ":") == ('"a:b".c', ":", "x > 1")
    assert split_at("abc", ":") == ("abc", "", "")
