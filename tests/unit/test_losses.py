"""What a change of type takes from the values that it converts without an error."""

from __future__ import annotations

import pytest

from dbsync.schema.makers.losses import lost_by_conversion
from dbsync.schema.objects import Ref, SchemaObject, Snapshot

_DOMAIN = Ref("domain", "public", "price")
SCHEMA = Snapshot(
    server_version_num=180000,
    objects={_DOMAIN: SchemaObject(_DOMAIN, {"type": "numeric(8,3)", "collation": None})},
    needs={},
)


@pytest.mark.parametrize(
    ("present", "wanted", "lost"),
    [
        ("numeric", "integer", "the digits after the decimal point"),
        ("double precision", "bigint", "the digits after the decimal point"),
        ("jsonb", "integer", "the digits after the decimal point"),
        ("numeric", "numeric(8,2)", "the digits after decimal place 2"),
        ("numeric(8,3)", "numeric(8,2)", "the digits after decimal place 2"),
        ("numeric(8,3)[]", "numeric(8,2)[]", "the digits after decimal place 2"),
        ("public.price", "numeric(8,2)", "the digits after decimal place 2"),
        ("integer", "numeric(4,-2)", "the digits after decimal place -2"),
        ("real", "money", "the digits after the second decimal place"),
        ("bigint", "double precision", "the digits beyond the 15th"),
        ("double precision", "real", "the digits beyond the 6th"),
        ("timestamp with time zone", "date", "the times of day"),
        ("timestamp without time zone", "time without time zone", "the dates"),
        ("time with time zone", "time without time zone", "the time zones"),
        ("timestamp without time zone", "timestamp(3) without time zone", "fractions of the seconds"),
        ("interval(6)", "interval(0)", "fractions of the seconds"),
        ("text", "name", "the characters beyond the 63rd byte"),
        ("character varying(10)", '"char"', "the characters after the first"),
        ("inet", "cidr", "the bits of a host in its network"),
        ("smallint", "boolean", "the numbers other than 0 and 1"),
        ("bigint", "bit(8)", "the leading bits that do not fit"),
    ],
)
def test_what_the_values_lose_is_said(present: str, wanted: str, lost: str) -> None:
    assert lost_by_conversion(present, wanted, SCHEMA, SCHEMA) == lost


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ("integer", "bigint"),
        ("bigint", "smallint"),  # an error, not a loss
        ("integer", "numeric"),
        ("integer", "numeric(10,2)"),
        ("numeric(8,0)", "integer"),
        ("numeric(8,2)", "numeric(10,2)"),
        ("numeric(8,2)", "public.price"),
        ("integer", "double precision"),
        ("real", "double precision"),
        ("numeric(6,2)", "real"),
        ("date", "timestamp with time zone"),
        ("timestamp(3) without time zone", "timestamp with time zone"),
        ("character varying(10)", "character varying(5)"),  # an error, not a loss
        ("text", "integer"),
        ("text", "public.price"),
        ("boolean", "integer"),
    ],
)
def test_a_value_that_fits_stays_what_it_is(present: str, wanted: str) -> None:
    assert lost_by_conversion(present, wanted, SCHEMA, SCHEMA) is None
