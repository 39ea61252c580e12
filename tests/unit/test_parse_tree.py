"""The text of a statement without its values, and the types in the tree that the server prints."""

from __future__ import annotations

import pytest

from dbsync.pg.parse_tree import is_torn, on_columns, types_made, without_values


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("SELECT 'a''b', $1, E'\\'', $$x$$::t", "SELECT  $2 , $1,  $3 ,  $4 ::t"),
        ("SELECT \"'a'\" -- 'a'\n/* 'b' */", "SELECT \"'a'\" -- 'a'\n/* 'b' */"),
        ("SELECT 'a'\n'b', U&'c' UESCAPE '!'", "SELECT  $1 ,  $2  UESCAPE  $3 "),
        ("SELECT B'1', x'f', 1, N'n', t 'v'", "SELECT B'1', x'f', 1,  $1 , t  $2 "),
        ("SELECT interval '1 day', TIMESTAMP /* */ 'now'", "SELECT interval '1 day', TIMESTAMP /* */ 'now'"),
        ("SELECT m.interval '(x)', m . time '(x)', \"interval\" 'x'", None),
    ],
)
def test_every_string_gives_way_to_a_parameter(text: str, without: str | None) -> None:
    found, strings = without_values(text)
    if without is None:
        without = 'SELECT m.interval  $1 , m . time  $2 , "interval"  $3 '
    assert found == without
    assert list(strings.values()) == list(range(len(strings)))


def test_strings_that_are_kept_leave_no_gap_in_the_numbers() -> None:
    assert without_values("SELECT $7, 'a', 'b', 'c'", {1}) == ("SELECT $7,  $8 , 'b',  $9 ", {8: 0, 9: 2})


def test_types_count_where_something_is_turned_into_them() -> None:
    tree = (
        "({QUERY :cteList ({COMMONTABLEEXPR :ctecoltypes (o 1 2)}) :rtable ({RTE :coltypes (o 3) :relid 4}) :targetList "
        "({VAR :vartype 5 :vartypmod 6} {PARAM :paramkind 2 :paramid 7 :paramtype 8} {PARAM :paramkind 0 :paramid 1\n"
        ":paramtype 20} {RELABELTYPE :arg {VAR :vartype 9} :resulttype\n21} {FIELDSELECT :resulttype 10} {TABLEFUNC "
        ':coltypes (o 22\n23)} {ALIAS :colnames ("a\\{VAR" ":resulttype\\ 11")} {CONST :consttype 24 :constvalue 4 [ 12 ]})})'
    )
    assert [place.type for place in types_made(tree)] == [20, 21, 22, 23, 24]


def test_a_call_is_on_a_column_where_that_is_an_argument_itself() -> None:
    tree = (
        "({OPEXPR :opno 1 :opfuncid 2 :args ({VAR :varno 1} {FUNCEXPR :funcid 3 :args ({CONST :constvalue 4 [ 1 ]})})} "
        "{FUNCEXPR :funcid 4 :args ({RELABELTYPE :arg {RELABELTYPE :arg {VAR :varno 1} :resulttype 25}})} "
        "{FUNCEXPR :funcid 5 :args ({CASEEXPR :args ({CASEWHEN :expr {VAR :varno 1}})} {COERCEVIAIO :arg {VAR :varno 1}})} "
        "{FUNCEXPR :funcid 6 :name \\{VAR\\ :varno\\ 1\\} :args <>})"
    )
    assert sorted(on_columns(tree)) == [
        ("funcid", 3, False),
        ("funcid", 4, True),
        ("funcid", 5, False),
        ("funcid", 6, False),
        ("opfuncid", 2, True),
        ("opno", 1, True),
    ]


def test_a_line_that_ends_in_a_name_is_noticed() -> None:
    assert not is_torn("({QUERY :a 1\n" + "b" * 77 + "\n" + "c " * 39)
    assert is_torn("({QUERY\n" + "\\{" * 39 + "\nVAR")
