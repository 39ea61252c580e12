"""Names and values as SQL text, for statements that people read and keep: quoted by psycopg where they must be."""

from __future__ import annotations

import re

from psycopg import sql

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# pg_get_keywords() of Postgres 18, those that may not stand bare everywhere; a test asks the servers.
_WORDS = """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both
    case cast char character check coalesce collate collation column concurrently constraint create cross
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect
    interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on
    only or order out outer overlaps overlay placing position precision primary real references returning right
    row select session_user setof similar smallint some substring symmetric system_user table tablesample then
    time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when
    where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi
    xmlroot xmlserialize xmltable
"""
KEYWORDS = frozenset(_WORDS.split())


def name(*parts: str) -> str:
    """Return a qualified name, each part quoted unless it is a plain word: ``public."Order"``."""
    return ".".join(_word(part) for part in parts if part)


def literal(value: str | int | None) -> str:
    """Return a value as SQL; text in quotes, with an E where it holds a backslash."""
    return sql.Literal(value).as_string(None).strip()


def names(parts: list[str]) -> str:
    """Return a list of names, for columns and the like: ``a, "B"``."""
    return ", ".join(_word(part) for part in parts)


def _word(part: str) -> str:
    if _PLAIN.fullmatch(part) and part not in KEYWORDS:
        return part
    return sql.Identifier(part).as_string(None)
