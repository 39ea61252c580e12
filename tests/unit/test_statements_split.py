"""Cutting a SQL text into statements, as the server's own lexer would understand it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsync.errors import ConfigError, StatementFailed
from dbsync.sqltext import tokens
from dbsync.statements_split import split_statements


def pieces(text: str) -> list[str]:
    return [statement.text for statement in split_statements(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        (" ;; select 1 ;\n;", ["select 1"]),
        ("-- only a comment ; here\n/* ; */", []),
        ("select ';'; select 2", ["select ';'", "select 2"]),
        ("select 'it''s;'; select 2", ["select 'it''s;'", "select 2"]),
        # a backslash means nothing in an ordinary string, and escapes in E''
        (r"select '\'; select 2", [r"select '\'", "select 2"]),
        (r"select E'\';'; select 2", [r"select E'\';'", "select 2"]),
        (r"select e'\\'; select 2", [r"select e'\\'", "select 2"]),
        ("select U&'d\\0061t;a' , N';' , B'0' , X'f'; select 2", ["select U&'d\\0061t;a' , N';' , B'0' , X'f'", "select 2"]),
        # a string goes on after a line break, with the rules it began with
        ("select E'a'\n'b\\';'; select 2", ["select E'a'\n'b\\';'", "select 2"]),
        ("select E'a' -- x\n'b\\';'; select 2", ["select E'a' -- x\n'b\\';'", "select 2"]),
        ('select ";" , "a"";" , U&"\\003b;"; select 2', ['select ";" , "a"";" , U&"\\003b;"', "select 2"]),
        ("select 1 -- ;\n; select 2", ["select 1 -- ;", "select 2"]),
        ("select /* ; /* ; */ ; */ 1; select 2", ["select /* ; /* ; */ ; */ 1", "select 2"]),
        ("select $$;$$; select 2", ["select $$;$$", "select 2"]),
        ("select $a$ ; $$ ; $b$ ; $a$; select 2", ["select $a$ ; $$ ; $b$ ; $a$", "select 2"]),
        ("do $f$ begin perform $g$;$g$; end $f$; select 2", ["do $f$ begin perform $g$;$g$; end $f$", "select 2"]),
        # a dollar inside a word opens nothing; nor does a parameter
        ("select a$b$; select c$b$", ["select a$b$", "select c$b$"]),
        ("select $1; select $2", ["select $1", "select $2"]),
        ("select 1$x$;$x$; select 2", ["select 1$x$;$x$", "select 2"]),
        # operators end where a comment begins
        ("select 1+--;\n2; select 2", ["select 1+--;\n2", "select 2"]),
        ("select 1*/*;*/2; select 2", ["select 1*/*;*/2", "select 2"]),
        ("create rule r as on insert to t do also (select 1; select 2); select 3",
         ["create rule r as on insert to t do also (select 1; select 2)", "select 3"]),
        ("create function f() returns int begin atomic select 1; select case when true then 1 end; end; select 2",
         ["create function f() returns int begin atomic select 1; select case when true then 1 end; end", "select 2"]),
        ("create or replace procedure p() begin atomic end; select 2",
         ["create or replace procedure p() begin atomic end", "select 2"]),
        ("begin; select case when true then 1 end; end; select 2",
         ["begin", "select case when true then 1 end", "end", "select 2"]),
        # "begin" as a function's name opens no body
        ("create function begin() returns int language sql as 'select 1'; select 2",
         ["create function begin() returns int language sql as 'select 1'", "select 2"]),
        ("\ufeffselect 1", ["select 1"]),
        ("select 'ü;', \"表;\"; select 2", ["select 'ü;', \"表;\"", "select 2"]),
        ("select 100 % 7, '%s', '%'; select 2", ["select 100 % 7, '%s', '%'", "select 2"]),
    ],
)  # fmt: skip
def test_a_semicolon_ends_a_statement_only_where_the_server_says_so(text, expected):
    assert pieces(text) == expected


def test_each_statement_knows_its_line():
    found = split_statements("-- head\nselect 1;\n\n/* two\nlines */ select 2;\nselect '\n';select 3")
    assert [statement.line for statement in found] == [2, 5, 6, 7]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("select 'a", "string"), ("select E'a\\'", "string"), ('select "a', "quoted name"), ("select $x$ $y$", "dollar"),
        ("select 1 /* /* */", "comment"), ("select 1;\nselect 'a", "line 2"),
    ],
)  # fmt: skip
def test_what_never_ends_is_named(text, what):
    with pytest.raises(StatementFailed, match=what):
        split_statements(text)


@pytest.mark.parametrize(
    "command", [r"\d", r"\dt+ public.*", r"\copy t from 'x'", r"\i file", r"\!", r"\;", r"\gset", "\\"]
)
@pytest.mark.parametrize("before", ["", "select 1;\n", "select 1 "])
def test_commands_of_psql_are_refused_by_name(command, before):
    with pytest.raises(ConfigError, match="psql") as caught:
        split_statements(before + command)
    assert command.split()[0].rstrip(";") in caught.value.message


def test_a_nul_character_is_refused_since_the_protocol_would_cut_the_text_there():
    with pytest.raises(ConfigError, match="NUL"):
        split_statements("select 1\0; drop table t")


# Pieces that are whole statements on their own, in any order and with any blanks and comments between.
_WHOLE = st.sampled_from(
    [
        "select 1", "select ';'", "select E'\\';'", "select $$;$$", "select $q$;$$;$q$", 'select ";"', "select /*;*/ 1",
        "select U&'\\003b;'", "select (1)", "select 'a'\n';'", "table t", "select a$b", "select 1--;\n",
        "create function f() returns int begin atomic select 1; end", "create rule r as on delete to t do (a; b)",
    ]
)  # fmt: skip
_GAP = st.sampled_from(["", " ", "\n", " -- ;'\n", "/* ;\" /* ' */ */"])


@given(st.lists(st.tuples(_GAP, _WHOLE, _GAP), max_size=6))
def test_whole_statements_joined_by_semicolons_come_apart_again(parts):
    found = split_statements(";".join(before + whole + after for before, whole, after in parts))
    assert len(found) == len(parts)
    for statement, (_, whole, _) in zip(found, parts, strict=True):
        assert whole.strip() in statement.text


_ALPHABET = st.sampled_from(list("aE$;'\"\\-/*()\n .1") + ["--", "/*", "*/", "$a$", "U&", "begin ", "create function "])


@given(st.lists(_ALPHABET, max_size=40).map("".join))
def test_tokens_cover_any_text_without_gaps(text):
    try:
        found = list(tokens(text))
    except StatementFailed:
        return
    assert "".join(token.text for token in found) == text
    assert all(before.end == after.start for before, after in zip(found, found[1:], strict=False))
