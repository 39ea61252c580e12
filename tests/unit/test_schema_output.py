"""The order of a script, the diagram's language, the JSON document: pure, from a model made by hand."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbsync.errors import ConfigError
from dbsync.model import Catalog, Column, ColumnType, ForeignKey, Table, TableName, UniqueKey
from dbsync.pg.reflect_ddl import Part
from dbsync.schema.ddl_order import arrange
from dbsync.schema.ddl_statements import quote_literal
from dbsync.schema.diagram import mermaid
from dbsync.schema.document import document
from dbsync.schema.report import select_catalog

INT = ColumnType(text="integer", oid=23, schema="pg_catalog", name="int4")


def relation(oid: int, name: str = "") -> Part:
    return Part("relation", oid, name)


def order(needs: dict[Part, set[Part]], *, unmakeable: frozenset[Part] = frozenset()) -> tuple[list[Part], set[Part]]:
    wholes = {part._replace(name="") for user, used in needs.items() for part in (user, *used)}
    keys = {part: (part.oid,) for part in wholes if part.kind != "other"}
    found = arrange(keys, {part: frozenset(used) for part, used in needs.items()}, unmakeable=unmakeable)
    assert found.circular == ()
    return list(found.parts), set(found.blocked)


def test_each_object_comes_after_what_it_needs_and_else_by_name() -> None:
    parts, _ = order({relation(1): {relation(3)}, relation(2): set(), relation(3): {relation(4)}})
    assert parts == [relation(2), relation(4), relation(3), relation(1)]


def test_a_default_is_made_with_its_table_unless_that_is_a_circle() -> None:
    function = Part("routine", 9)
    inline, _ = order({relation(1, "default a"): {function, relation(1)}})
    assert inline == [function, relation(1)]
    apart, _ = order({relation(1, "default a"): {function, relation(1)}, function: {relation(1)}})
    assert apart == [relation(1), function, relation(1, "default a")]


def test_what_needs_the_unmakeable_is_blocked_and_so_is_what_needs_that() -> None:
    other = Part("other", 7)
    needs = {relation(1): {other}, relation(2): {relation(1)}, relation(3, "constraint c"): {other, relation(3)}}
    parts, blocked = order(needs)
    assert parts == [relation(3)]
    assert blocked >= {relation(1), relation(2), relation(3, "constraint c")}
    assert relation(3) not in blocked


def test_a_circle_that_nothing_breaks_is_told() -> None:
    keys = {relation(1): (1,), relation(2): (2,)}
    needs = {relation(1): frozenset({relation(2)}), relation(2): frozenset({relation(1)})}
    assert arrange(keys, needs, unmakeable=frozenset()).circular == (relation(1), relation(2))


def table(name: str, *columns: str, schema: str = "public", **facts: object) -> Table:
    made = tuple(Column(name=column, position=place, type=INT) for place, column in enumerate(columns, 1))
    return Table(name=TableName(schema, name), oid=0, columns=made, **facts)  # type: ignore[arg-type]


def catalog(*tables: Table) -> Catalog:
    return Catalog(
        database="db", server_version="18.0", server_version_num=180000, encoding="UTF8", role="me",
        tables={each.name: each for each in tables}, schemas=tuple({each.name.schema for each in tables}),
    )  # fmt: skip


def test_a_diagram_shows_keys_and_relationships() -> None:
    author = table("author", "id", "name", keys=(UniqueKey(name="a", columns=("id",), primary=True),))
    link = ForeignKey(
        name="by", table=TableName("public", "book"), columns=("author_id",), ref_table=author.name,
        ref_columns=("id",), definition="",
    )  # fmt: skip
    book = table("book", "author_id", schema="public", foreign_keys=(link,))
    assert "".join(mermaid(catalog(author, book))) == (
        "erDiagram\n"
        '    "author" {\n        integer id PK\n        integer name\n    }\n'
        '    "book" {\n        integer author_id FK\n    }\n'
        '    "author" |o--o{ "book" : "by"\n'
    )


# What Mermaid's grammar takes inside a block and as an entity; checked against the real parser by hand.
_ATTRIBUTE = re.compile(r' {8}[A-Za-z_\u00C0-\uFFFF][\w\[\]]* (?!(?:[pfu]k)\b)[A-Za-z_\u00C0-\uFFFF]\w*(?: "[^"%~;:\\\x00-\x1f]*")?\n', re.I)  # fmt: skip
_ENTITY = re.compile(r' {4}"[^"%~:\\\x00-\x1f]+" \{\n')


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_no_name_breaks_the_diagram(name: str) -> None:
    head, entity, attribute, *_ = mermaid(catalog(table(name, name)))
    assert head == "erDiagram\n"
    assert _ENTITY.fullmatch(entity.replace(";", ""))
    assert _ATTRIBUTE.fullmatch(re.sub(r"#\d+;", "", attribute))
    assert not re.search(r"direction\s+(TB|BT|LR|RL)", entity + attribute, re.I)


def test_the_document_is_in_order_and_without_oids() -> None:
    found = document(catalog(table("z"), table("a", schema="app"), table("a")))
    assert [(each["schema"], each["name"]) for each in found["tables"]] == [
        ("app", "a"), ("public", "a"), ("public", "z"),
    ]  # fmt: skip
    assert "oid" not in str(found)


def test_a_pattern_that_matches_nothing_is_an_error_by_name() -> None:
    whole = catalog(table("film"), table("film_actor"), table("actor", schema="app"))
    assert [name.name for name in select_catalog(whole, ["film*"]).tables] == ["film", "film_actor"]
    assert select_catalog(whole, ["app.*"]).schemas == ("app",)
    with pytest.raises(ConfigError, match="flim"):
        select_catalog(whole, ["film", "flim"])


def test_literals_read_the_same_under_every_setting() -> None:
    assert [quote_literal(text) for text in ("a", "it's", "b\\'")] == ["'a'", "'it''s'", "E'b\\\\'''"]
