"""What a change of type takes from the values that it converts without an error."""

from __future__ import annotations

from typing import Any

import pytest

from dbsync.schema.makers.losses import lost_by_conversion
from dbsync.schema.objects import Ref, SchemaObject, Snapshot

_OBJECTS: dict[Ref, dict[str, Any]] = {
    Ref("domain", "public", "price"): {"type": "numeric(8,3)", "collation": None},
    Ref("domain", "public", "prices"): {"type": "numeric(8,3)[]", "collation": None},
    Ref("range", "public", "stay"): {"subtype": "timestamp without time zone", "multirange": "public.stays"},
    Ref("composite", "public", "sale"): {"attributes": [{"type": "integer"}, {"type": "date"}]},
    Ref("composite", "public", "visit"): {"attributes": [{"type": "bigint"}, {"type": "public.stay"}]},
}
SCHEMA = Snapshot(
    server_version_num=180000,
    objects={ref: SchemaObject(ref, parts) for ref, parts in _OBJECTS.items()},
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
        ("text", "date", "the times of day"),
        ("character varying(20)", "time without time zone", "the dates"),
        ("text", "timestamp without time zone", "the time zones"),
        ("text", "timestamp(3) with time zone", "fractions of the seconds"),
        ("text", "interval(0)", "fractions of the seconds"),
        ("text", "timestamp(0) with time zone", "fractions of the seconds"),
        ("text", "numeric(10,2)", "the digits after decimal place 2"),
        ("json", "numeric(10,2)", "the digits after decimal place 2"),
        ("text", "public.price", "the digits after decimal place 3"),
        ("text", "bit varying(3)", "the last bits that do not fit"),
        ("text", "real", "the digits beyond the 6th"),
        ("jsonb", "double precision", "the digits beyond the 15th"),
        ("text", "money", "the digits after the second decimal place"),
        ("timestamp without time zone[]", "date[]", "the times of day"),
        ("double precision[]", "real[]", "the digits beyond the 6th"),
        ("public.prices", "numeric(8,2)[]", "the digits after decimal place 2"),
        ("text", "date[]", "the times of day"),
        ("tsrange", "daterange", "the times of day"),
        ("tstzmultirange[]", "datemultirange[]", "the times of day"),
        ("public.stays", "datemultirange", "the times of day"),
        ("text", "public.sale", "the times of day"),
        ("text[]", "public.visit[]", "the time zones"),
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
        ("text", "timestamp with time zone"),
        ("character varying", "interval"),
        ("timestamp(3) without time zone", "timestamp with time zone"),
        ("character varying(10)", "character varying(5)"),  # an error, not a loss
        ("text", "integer"),
        ("text", "numeric"),
        ("text", "bit varying"),
        ("boolean", "integer"),
        ("int4range", "numrange"),
        ("numrange", "tsrange"),  # an error, not a loss
        ("integer[]", "bigint[]"),
        ("date[]", "timestamp without time zone[]"),
        ("public.stay", "tsrange"),
        ("public.sale", "public.sale"),
    ],
)
def test_a_value_that_fits_stays_what_it_is(present: str, wanted: str) -> None:
    assert lost_by_conversion(present, wanted, SCHEMA, SCHEMA) is None


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ("numeric[]", "integer[]"),
        ("numrange", "int4range"),
        ("integer[]", "boolean[]"),
        ("integer[]", "bit(8)[]"),
        ("inet[]", "cidr[]"),
    ],
)
def test_what_a_text_is_refused_for_is_no_loss(present: str, wanted: str) -> None:
    assert lost_by_conversion(present, wanted, SCHEMA, SCHEMA) is not None
    assert lost_by_conversion(present, wanted, SCHEMA, SCHEMA, over_text=True) is None
