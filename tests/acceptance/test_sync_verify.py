"""The check before each commit sees every change, however alike old and new look."""

from __future__ import annotations

from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle

# Types of two neighbouring columns, what the source holds, what a trigger of the target makes of it.
ALIKE = (
    ("text, text", "'x', 'yz'", "'xy', 'z'"),
    ("text, text", "'x|', 'y'", "'x', '|y'"),
    ("text, text", "'x', ''", "'', 'x'"),
    ("text, text", "'a,b', 'c'", "'a', 'b,c'"),
    ("text, text", "'(a', 'b)'", "'a', '(b)'"),
    ("text, text", "'1:x', 'y'", "'1', ':xy'"),
    ("text, text", "'1|2:ab', 'c'", "'1', '2|ab:c'"),
    ("text, text", "NULL, ''", "'', NULL"),
    ("text, text", "NULL, 'x'", "'', 'x'"),
    ("text, text", r"'\N', 'x'", "NULL, 'x'"),
    ("text, text", "'NULL', 'x'", "NULL, 'x'"),
    ("text, text", "'é', 'x'", "E'e\\u0301', 'x'"),
    ("text, text", "'x ', 'y'", "'x', 'y'"),
    ("text, text", "E'a\\nb', 'y'", "E'a\\r\\nb', 'y'"),
    ("text, int", "'x1', 2", "'x', 12"),
    ("int, int", "1, 23", "12, 3"),
    ("int, int", "1, NULL", "NULL, 1"),
    ("int, int", "0, NULL", "NULL, NULL"),
    ("bytea, bytea", r"'\x01', '\x0203'", r"'\x0102', '\x03'"),
    ("bytea, bytea", r"'\x', NULL", r"NULL, '\x'"),
    ("text[], text", "'{a,b}', 'x'", "'{\"a,b\"}', 'x'"),
    ("text[], text", "'{a,NULL}', 'x'", "'{a,\"NULL\"}', 'x'"),
    ("int[], int[]", "'{1}', '{2}'", "'{1,2}', '{}'"),
    ("int[], int[]", "'[0:0]={1}', '{}'", "'{1}', '{}'"),
    ("int[], int[]", "'{{1,2}}', '{}'", "'{1,2}', '{}'"),
    ("json, text", "'{\"a\":1}', '|'", "'{\"a\": 1}', '|'"),
    ("json, json", "'1', '2'", "'12', '0'"),
    ("json, json", "' 1', '2'", "'1', ' 2'"),
    ("json, text", "'1', ' '", "'1 ', ''"),
    ("jsonb, jsonb", "'1.0', '1'", "'1.00', '1'"),
    ("jsonb, text", "'\"a\"', 'b'", "'\"ab\"', ''"),
    ("numeric, numeric", "1.0, 1", "1.00, 1"),
    ("numeric, numeric", "1.2, 3", "1, 2.3"),
    ("float8, float8", "0, 1", "'-0', 1"),
    ("float8, float8", "0.1, 1", "0.10000000000000002, 1"),
    ("float4, float4", "'NaN', 1", "'Infinity', 1"),
    ("interval, interval", "'1 mon', '0'", "'30 days', '0'"),
    ("timestamptz, date", "'infinity', '2020-01-01'", "'-infinity', '2020-01-01'"),
    ("timestamp, text", "'2020-01-01 00:00:00.000001', ''", "'2020-01-01 00:00:00', ''"),
    ("timetz, text", "'12:00+00', ''", "'13:00+01', ''"),
    ("inet, inet", "'10.0.0.1/8', '::1'", "'10.0.0.1', '::1'"),
    ("point, point", "'(1,2)', '(3,4)'", "'(1,3)', '(2,4)'"),
    ("bit varying, bit varying", "'1', '01'", "'10', '1'"),
    ("int4range, text", "'[1,5)', ''", "'empty', ''"),
    ("numrange, text", "'[1.0,2]', ''", "'[1.00,2]', ''"),
    ("tsvector, text", "'''a'':1 ''b''', ''", "'''a'' ''b'':1', ''"),
    ("uuid, bool", "'00000000-0000-0000-0000-000000000001', true", "'00000000-0000-0000-0000-000000000001', false"),
    ("name, \"char\"", "'ab', 'c'", "'a', 'b'"),
    ("oid, oid", "1, 23", "12, 3"),
    ("public.pair, text", "'(a,b)', 'c'", "'(\"a,b\",)', 'c'"),
    ("public.pair, text", "'(,)', 'c'", "'(\"\",)', 'c'"),
    ("public.pair, public.pair", "'(1,2)', '(3,4)'", "'(1,3)', '(2,4)'"),
    ("public.mood, public.mood", "'a', 'b,a'", "'b,a', 'a'"),
)  # fmt: skip

_TYPES = "CREATE TYPE pair AS (a text, b text); CREATE TYPE mood AS ENUM ('a', 'b,a');"


def test_no_two_rows_look_the_same_to_the_check(pairs, called: CalledSync) -> None:
    """One table for each pair of rows; a trigger on the target turns the one into the other."""
    tables, mine, triggers = [_TYPES], [], []
    for number, (types, old, new) in enumerate(ALIKE):
        first, second = types.split(", ")
        tables.append(f"CREATE TABLE t{number} (id int, a {first}, b {second}, tail text DEFAULT 'end');")
        mine.append(f"INSERT INTO t{number} (id, a, b) VALUES (1, {old});")
        triggers.append(
            f"CREATE FUNCTION turn{number}() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN "
            f"SELECT v.* INTO new.a, new.b FROM (SELECT {_cast(new, first, second)}) AS v; RETURN new; END$f$;"
            f"CREATE TRIGGER turn BEFORE INSERT ON t{number} FOR EACH ROW EXECUTE FUNCTION turn{number}();"
        )
    pair = pairs("\n".join(tables), "\n".join(mine), "\n".join(triggers))
    before = oracle.take(pair.target)
    result = called.sync(pair.source, pair.target, "--triggers", "keep").ended(1)
    errors = {name: (table["error"] or {}).get("code") for name, table in result.tables().items()}
    unseen = [
        f"{types}: {old} became {new}"
        for number, (types, old, new) in enumerate(ALIKE)
        if errors[f"public.t{number}"] != "VERIFY_MISMATCH"
    ]
    assert unseen == []
    assert oracle.all_changes(before, oracle.take(pair.target)) == []


def _cast(values: str, first: str, second: str) -> str:
    """The two values with their types, split at the one top-level comma between them."""
    depth, quoted = 0, False
    for position, character in enumerate(values):
        if character == "'":
            quoted = not quoted
        elif not quoted and character == "," and depth == 0:
            return f"({values[:position]})::{first}, ({values[position + 1 :]})::{second}"
    raise AssertionError(values)


def test_equal_rows_and_pairs_of_rows_do_not_cancel(pairs, called: CalledSync) -> None:
    """Trap 71: a pair of equal rows more, a pair less, one row for another of the same pair."""
    schema = """
        CREATE TABLE more (id int, v text); CREATE TABLE less (id int, v text); CREATE TABLE other (id int, v text);
    """
    mine = """
        INSERT INTO more VALUES (1, 'x'), (2, 'y'), (2, 'y');
        INSERT INTO less VALUES (1, 'x'), (2, 'y'), (2, 'y');
        INSERT INTO other VALUES (1, 'x'), (1, 'x'), (2, 'y'), (2, 'y');
    """
    meddle = """
        CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
            IF pg_trigger_depth() = 1 THEN INSERT INTO public.more VALUES (3, 'z'), (3, 'z'); END IF; RETURN new; END$$;
        CREATE TRIGGER twice BEFORE INSERT ON more FOR EACH ROW WHEN (new.id = 1) EXECUTE FUNCTION twice();
        CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
        CREATE TRIGGER drop_it BEFORE INSERT ON less FOR EACH ROW WHEN (new.id = 2) EXECUTE FUNCTION drop_it();
        CREATE FUNCTION swap() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.id := 2; new.v := 'y'; RETURN new; END$$;
        CREATE TRIGGER swap BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION swap();
    """
    pair = pairs(schema, mine, meddle)
    result = called.sync(pair.source, pair.target, "--triggers", "keep").ended(1)
    assert [table["state"] for table in result.result["tables"]] == ["failed"] * 3, result
