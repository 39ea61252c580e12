"""Two dumps are compared object by object; what has no order in Postgres is compared without it."""

from __future__ import annotations

import pytest

from dbsync.schema.dump import differing_objects


def dump(*objects: tuple[str, str, str]) -> str:
    """A dump of (name, type, body), all in the schema public."""
    start = "SET search_path = '';\n\nSET default_tablespace = '';\n\n"
    bodies = [f"--\n-- Name: {n}; Type: {t}; Schema: public; Owner: o\n--\n\n{body}\n\n\n" for n, t, body in objects]
    return start + "".join(bodies) + "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n"


def differ(kind: str, one: str, other: str) -> bool:
    found = differing_objects(dump(("x", kind, one)), dump(("x", kind, other)))
    assert found in ((), (f"{kind.lower()} public.x",))
    return bool(found)


TABLE = "CREATE TABLE public.x (\n    a integer,\n    b text DEFAULT 'p,q'::text\n)\nWITH (fillfactor='70', n='1');\n"


@pytest.mark.parametrize(
    ("kind", "one", "other", "different"),
    [
        ("TABLE", TABLE, TABLE, False),
        ("TABLE", TABLE, "CREATE TABLE public.x (\n    b text DEFAULT 'p,q'::text,\n    a integer\n)\nWITH (n='1', fillfactor='70');\n",
         False),
        ("TABLE", TABLE, TABLE.replace("integer", "bigint"), True),
        ("TABLE", TABLE, TABLE.replace("'70'", "'71'"), True),
        ("TABLE", TABLE, f"SET default_table_access_method = other;\n\n{TABLE}", True),
        ("TABLE", TABLE + "ALTER TABLE public.x OWNER TO a;", TABLE + "ALTER TABLE public.x OWNER TO b;", True),
        ("ACL", "GRANT SELECT ON x TO a;\nGRANT ALL ON x TO b;", "GRANT ALL ON x TO b;\nGRANT SELECT ON x TO a;", False),
        ("ACL", "SET SESSION AUTHORIZATION g;\nGRANT ALL ON x TO b;\nRESET SESSION AUTHORIZATION;",
         "GRANT ALL ON x TO b;", True),
        ("VIEW", "CREATE VIEW x WITH (a='1', b='2') AS\n SELECT 1;", "CREATE VIEW x WITH (b='2', a='1') AS\n SELECT 1;", False),
        ("FUNCTION", "CREATE FUNCTION x() AS $$\nSET a = 1;\n-- note\nb;\n$$;", "CREATE FUNCTION x() AS $$\nb;\n$$;", True),
        ("FUNCTION", "CREATE FUNCTION x() AS $$\na;\nb;\n$$;", "CREATE FUNCTION x() AS $$\nb;\na;\n$$;", True),
    ],
)  # fmt: skip
def test_what_differs(kind, one, other, different):
    assert differ(kind, one, other) is differ(kind, other, one) is different


def test_an_object_of_one_side_is_named_and_the_order_of_objects_says_nothing():
    a, b = ("a", "VIEW", "CREATE VIEW a AS\n SELECT 1;"), ("b f(int)", "FUNCTION", "CREATE FUNCTION b;")
    assert differing_objects(dump(a, b), dump(b, a)) == ()
    assert differing_objects(dump(a, b), dump(a)) == ("function public.b f(int)",)
    assert differing_objects(dump(a, a), dump(a)) == ("view public.a",)
    assert differing_objects("", dump()) == ()


@pytest.mark.parametrize(
    ("kind", "options", "restored", "different"),
    [
        ("integer", "NO MINVALUE\n    MAXVALUE 2147483647", "NO MINVALUE\n    NO MAXVALUE", False),
        ("smallint", "NO MINVALUE\n    MAXVALUE 32767", "NO MINVALUE\n    NO MAXVALUE", False),
        ("integer", "NO MINVALUE\n    MAXVALUE 32767", "NO MINVALUE\n    NO MAXVALUE", True),
        ("bigint", "NO MINVALUE\n    MAXVALUE 2147483647", "NO MINVALUE\n    NO MAXVALUE", True),
        ("integer", "MINVALUE -2147483648\n    NO MAXVALUE", "NO MINVALUE\n    NO MAXVALUE", True),
    ],
)
def test_bounds_of_an_identity_are_those_of_its_columns_type(kind, options, restored, different):
    table = ("x", "TABLE", f'CREATE TABLE public.x (\n    a bigint,\n    "I d" {kind} NOT NULL\n);')
    start = 'ALTER TABLE public.x ALTER COLUMN "I d" ADD GENERATED ALWAYS AS IDENTITY (\n    INCREMENT BY 1\n    '
    one, other = (dump(table, ("s", "SEQUENCE", f"{start}{said}\n    CACHE 1\n);")) for said in (options, restored))
    assert differing_objects(one, other) == (("sequence public.s",) if different else ())
