"""The lossless matrix: a pair of types is accepted only when no value can change."""

import pytest

from dbsync.data.columns import pair_columns
from dbsync.model import Column, ColumnType, Table, TableName


def base(name, text=None, typmod=-1, schema="pg_catalog", **facts):
    return ColumnType(text=text or name, oid=1, schema=schema, name=name, typmod=typmod, **facts)


def numeric(precision, scale):
    return base("numeric", f"numeric({precision},{scale})", ((precision << 16) | scale) + 4)


def varchar(length):
    return base("varchar", f"character varying({length})", length + 4)


def enum(*labels, schema="public"):
    return base("mood", f"{schema}.mood", schema=schema, kind="enum", definition=labels)


def table(*columns):
    return Table(name=TableName("public", "t"), oid=1, columns=columns)


def column(name, kind, **facts):
    return Column(name=name, position=1, type=kind, **facts)


def pair(left, right, **facts):
    source, target = table(column("c", left)), table(column("c", right, **facts))
    return pair_columns(source, target, only=None, schemas={"public": "public"})


TIMESTAMP3, TIMESTAMP = base("timestamp", "timestamp(3)", 3), base("timestamp")

FITS = [
    (base("int4"), base("int8")),
    (base("int2"), base("numeric")),
    (varchar(10), varchar(20)),
    (varchar(10), base("text")),
    (base("text"), base("varchar")),
    (numeric(10, 2), numeric(12, 2)),
    (numeric(10, 2), base("numeric")),
    (TIMESTAMP3, TIMESTAMP),
    (base("jsonb"), base("json")),
    (enum("a", "b"), enum("a", "new", "b")),
    (base("int4", "integer[]", element=base("int4")), base("int4", "integer[]", element=base("int4"))),
    (base("pos", "public.pos", schema="public", kind="domain", base=base("int4"), definition=("x",)), base("int4")),
    (base("citext", "a.citext", schema="a", extension="citext"), base("citext", schema="b", extension="citext")),
]
INT, BIGINT = base("int4"), base("int8")
POSITIVE = ("integer", "CONSTRAINT positive CHECK ((VALUE > 0))")


def domain(*definition):
    return base("pos", "public.pos", schema="public", kind="domain", base=INT, definition=definition)


def array(element):
    return base(element.name, f"{element.text}[]", element=element)


LOSES = {
    "column_narrower": [
        (BIGINT, INT),
        (varchar(20), varchar(10)),
        (base("text"), varchar(10)),
        (numeric(10, 2), numeric(8, 1)),
        (numeric(10, 2), numeric(12, 4)),  # 1.00 would become 1.0000
        (numeric(12, 2), numeric(10, 2)),
        (TIMESTAMP, TIMESTAMP3),
        (base("float4"), base("float8")),
        (base("bpchar", "character(3)", 7), base("bpchar", "character(5)", 9)),
        (base("bpchar", "character(3)", 7), varchar(3)),
    ],
    "column_type": [
        (base("timestamptz"), base("timestamp")),
        (base("json"), base("jsonb")),
        (INT, base("int4", "public.int4", schema="public")),
        (INT, domain()),
        (array(INT), array(BIGINT)),
        (array(INT), INT),
    ],
    "enum_labels": [(enum("a", "b"), enum("a")), (array(enum("a", "b")), array(enum("a")))],
    "enum_order": [(enum("a", "b"), enum("b", "a"))],
    "domain_stricter": [
        (INT, domain(*POSITIVE)), (domain("integer"), domain(*POSITIVE)), (domain("integer"), domain("integer", "NOT NULL")),
    ],
    "type_definition": [(domain(*POSITIVE), domain("integer"))],
}  # fmt: skip


@pytest.mark.parametrize(("left", "right"), FITS, ids=lambda kind: kind.text)
def test_fits(left, right):
    assert pair(left, right).problems == ()


@pytest.mark.parametrize("rule", LOSES)
def test_refused(rule):
    for left, right in LOSES[rule]:
        (problem,) = pair(left, right).problems
        assert (problem.rule, problem.column) == (rule, "c"), (left, right)
        assert str(problem).startswith("column c: ")
        assert problem.sides == (left.text, right.text)


def test_user_types_follow_the_schema_map():
    source = table(column("c", enum("a", schema="app")))
    target = table(column("c", enum("a", schema="other")))
    assert pair_columns(source, target, only=None, schemas={"app": "other"}).problems == ()
    assert pair_columns(source, target, only=None, schemas={}).problems != ()


@pytest.mark.parametrize(
    ("kind", "binary"),
    [(base("int4"), True), (base("jsonb"), True), (enum("a"), False), (base("money"), False), (base("xml"), False),
     (base("_int4", "integer[]", element=base("int4")), True),
     (base("_mood", "public.mood[]", schema="public", element=enum("a")), False)],
    ids=lambda value: getattr(value, "text", str(value)),
)  # fmt: skip
def test_binary_only_for_types_proven_alike(kind, binary):
    assert pair(kind, kind).pairs[0].binary is binary


def test_different_types_never_go_in_binary():
    assert pair(base("int4"), base("int8")).pairs[0].binary is False


def test_missing_and_surplus_columns():
    source = table(column("a", base("int4")), column("b", base("int4")))
    target = table(
        column("a", base("int4")), column("extra", base("int4"), nullable=False), column("spare", base("int4"))
    )
    pairing = pair_columns(source, target, only=None, schemas={})
    assert list(map(str, pairing.problems)) == [
        "column b is missing in the target",
        "target column extra is NOT NULL, has no default and gets no value",
    ]
    assert list(map(str, pairing.notes)) == ["target column spare is not in the copy: it gets its default"]


def test_only_the_named_columns_are_paired():
    both = table(column("a", base("int4")), column("b", base("int4")))
    pairing = pair_columns(both, both, only=["b"], schemas={})
    assert [one.name for one in pairing.pairs] == ["b"]
    (problem,) = pair_columns(both, both, only=["z"], schemas={}).problems
    assert (problem.rule, str(problem)) == ("column_unknown", "column z does not exist in the source")


def test_generated_columns_are_compared_but_not_copied():
    plain, generated = column("a", base("int4")), column("g", base("int4"), generated="stored", generation="(a * 2)")
    pairing = pair_columns(table(plain, generated), table(plain, generated), only=None, schemas={})
    assert [(one.name, one.copied) for one in pairing.pairs] == [("a", True), ("g", False)]
    other = column("g", base("int4"), generated="stored", generation="(a * 3)")
    assert (
        "generated as"
        in pair_columns(table(plain, generated), table(plain, other), only=None, schemas={}).problems[0].message
    )
