"""One view in the words of two versions, and views that only look alike."""

from __future__ import annotations

import pytest

from dbsync.schema.prints import canonical, same_view


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("SELECT t.a,\n    t.b FROM public.t;", "SELECT a, b FROM public.t;"),
        ("SELECT t.t, (t.v)::integer AS n FROM public.t", "SELECT t, (v)::integer AS n FROM public.t"),
        ('SELECT "a.b"."C" FROM public."a.b"', 'SELECT "C" FROM public."a.b"'),
        (
            "SELECT t.a FROM t WHERE (EXISTS ( SELECT 1 FROM b WHERE (b.a = t.a)))",
            "SELECT a FROM t WHERE (EXISTS ( SELECT 1 FROM b WHERE (b.a = t.a)))",
        ),
        ("SELECT a.x, b.x FROM a, b", "SELECT a.x, b.x FROM a, b"),
        ("SELECT (t.a IS DISTINCT FROM t.b) AS q FROM t", "SELECT (a IS DISTINCT FROM b) AS q FROM t"),
        ("SELECT EXTRACT(year FROM t.at) AS y FROM t", "SELECT EXTRACT(year FROM at) AS y FROM t"),
    ],
)
def test_one_view_is_known_in_the_words_of_both_versions(older: str, newer: str) -> None:
    assert same_view(older, newer)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("SELECT t.a FROM t", "SELECT b FROM t"),
        ("SELECT a.x, b.y FROM a, b", "SELECT x, y FROM a, b"),
        ("SELECT t.f(1) FROM t", "SELECT f(1) FROM t"),
        ("SELECT t.a COLLATE t.c FROM t", "SELECT a COLLATE c FROM t"),
        ("SELECT t.a::t.b FROM t", "SELECT a::b FROM t"),
        ("SELECT t.a FROM s.t", "SELECT a FROM t"),
        ("SELECT 't.a' FROM t", "SELECT 'a' FROM t"),
        ("SELECT t.a FROM t LIMIT 1", "SELECT a FROM t"),
        ("SELECT t.a FROM t", "SELECT a FROM t LIMIT 1"),
    ],
)
def test_views_that_are_not_one_are_told_apart(older: str, newer: str) -> None:
    assert not same_view(older, newer)


@pytest.mark.parametrize(
    ("first", "read_again"),
    [
        (
            "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b''],('::character varying])::text[])))",
            "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b''],('::character varying)::text])))",
        ),
        (
            "((x = ANY ((ARRAY[f(1, 2), \"(ARRAY[\"])::numeric(10,2)[])) AND (s <> '(ARRAY[1])::text[]'::text))",
            "((x = ANY (ARRAY[(f(1, 2))::numeric(10,2), (\"(ARRAY[\")::numeric(10,2)])) AND (s <> '(ARRAY[1])::text[]'::text))",
        ),
        ("(ARRAY[1, 2] || (ARRAY[3]))", "(ARRAY[1, 2] || (ARRAY[3]))"),
    ],
)
def test_an_array_cast_as_a_whole_is_the_one_cast_by_its_elements(first: str, read_again: str) -> None:
    assert canonical(first) == read_again
    assert canonical(read_again) == read_again
