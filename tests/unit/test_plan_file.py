"""Plan files of migrations: written and read back the same; what was not written here is refused in one sentence."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dbsync.errors import ConfigError, StalePlan
from dbsync.schema.hazards import needs_leave
from dbsync.schema.plan import Hazard, Proof
from dbsync.schema.plan_file import plan_hash, read_plan, to_document, to_text
from dbsync.schema.plan_sql import check_sql, plan_sql, undo_sql
from dbsync.schema.steps import Check
from tests.fixtures.plans import EVIL, STATEMENTS, plan

WHEN = {"created_at": "2026-01-02T03:04:05+00:00", "dbsync_version": "9.9"}


def test_a_plan_survives_its_file():
    for one in (plan(), plan(statements=(), undo=(), unplanned=(), warnings=(), expected=None)):
        text = to_text(one, **WHEN)
        read = read_plan(text, "plan.json")
        assert read == one
        assert read_plan(json.dumps(json.loads(text), indent=None), "reformatted") == one


def test_a_file_names_its_statements_by_a_hash_that_only_they_change():
    unproved = plan(proof=Proof(state="not run"))
    assert plan_hash(plan()) == plan_hash(unproved) != plan_hash(plan(statements=STATEMENTS[1:]))
    documents = [to_document(one, **WHEN) for one in (plan(), unproved)]
    assert documents[0]["hash"] == documents[1]["hash"]
    assert documents[0]["seal"] != documents[1]["seal"]
    assert documents[0]["statements"][2]["object"] == {
        "kind": "column", "schema": "public", "name": "orders", "sub": "note", "arguments": "",
        "text": "column public.orders.note",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("statements", 0, "sql"), "DROP TABLE t"), (("statements", 1, "checks"), []), (("proof", "state"), "not run"),
        (("target", "fingerprint"), "sha256:x"), (("undo", 0, "sql"), "SELECT 1"), (("statements",), []),
        (("hash",), "sha256:0"), (("seal",), "sha256:0"), (("statements", 2, "hazards"), []), (("warnings",), []),
    ],
)  # fmt: skip
def test_an_edited_plan_is_refused(path, value):
    with pytest.raises(StalePlan, match=r"plan\.json' was edited"):
        read_plan(json.dumps(_with(path, value)), "plan.json")


GONE = object()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("format_version",), 2, "format version is 2"), (("kind",), "x", "did not write it"),
        (("undo",), GONE, "the plan has no 'undo'"), (("more",), 1, "the plan has a member 'more'"),
        (("statements", 1, "group"), True, "'group' of statements 2 is not of the type int"),
        (("statements", 1, "timeout_ms"), GONE, "statements 2 has no 'timeout_ms'"),
        (("statements", 1, "undo_sql"), None, "statements 2 has a member 'undo_sql'"),
        (("statements", 1, "action"), "truncate", "the action of statements 2"),
        (("statements", 1, "object", "kind"), None, "'kind' of statements 2"),
        (("statements", 1, "hazards", 0, "rows"), "many", "'rows' of statements 2: hazards 1"),
        (("statements", 1, "checks", 0), "x", "statements 2: checks 1 is no object"),
        (("statements",), {}, "'statements' of the plan"), (("proof", "state"), "sure", "the state of proof"),
        (("proof", "judges"), [1], "'judges' of proof"), (("source",), None, "source is no object"),
        (("not_compared", 0, "count"), None, "'count' of not_compared 1"), (("not_compared", 0), [], "is no object"),
        (("unplanned", 0, "reason"), 1, "'reason' of unplanned 1"), (("options",), [], "'options' of the plan"),
    ],
)  # fmt: skip
def test_what_is_no_plan_of_this_version_is_said_in_a_sentence(path, value, said):
    with pytest.raises(ConfigError, match=said) as raised:
        read_plan(json.dumps(_with(path, value)), "plan.json")
    assert raised.value.code == "BAD_PLAN"
    assert "'plan.json' is not a plan that can be run" in raised.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"kind": "dbsync sync plan"}', "[" * 100_000])
def test_what_is_no_plan_at_all_is_refused(text):
    with pytest.raises(ConfigError, match="is not a plan that can be run"):
        read_plan(text, "plan.json")


def test_the_script_has_its_transactions_limits_and_questions():
    text = "".join(plan_sql(plan()))
    lines = text.splitlines()
    order = [
        next(n for n, line in enumerate(lines) if line.startswith(start))
        for start in ("-- Makes", "-- Proved on a shadow (Postgres 18.4)", "SET search_path = ''", "DO $", "SET lock_",
                      "CREATE INDEX CONCURRENTLY", "BEGIN;", "SET LOCAL lock_timeout", "ALTER TABLE", "COMMIT;")
    ]  # fmt: skip
    assert order == sorted(order)
    assert "SET statement_timeout = 1203000;" in lines
    assert (
        "--    rewrites public.orders, about 41 M rows, 18 GB, blocks reads and writes (--allow-hazard TABLE_REWRITE)"
        in lines
    )
    # Names and reasons stand in comments only; the one place where the text is run is the statement's own quote.
    assert [line for line in lines if "DROP TABLE t" in line and not line.startswith("--")] == [
        EVIL.splitlines()[1] + "$x$;"
    ]
    assert "\x1b" not in text.replace(EVIL, "")
    undo = "".join(undo_sql(plan()))
    assert "-- STRUCTURE ONLY: the values of public.orders.note are gone" in undo
    assert "-- NOT PROVED" in undo
    assert "nothing to do" in "".join(plan_sql(plan(statements=())))


def test_big_tables_need_leave_also_where_their_rows_were_never_counted():
    asked = {
        (kind, rows, size): needs_leave(Hazard(type=kind, message="", rows=rows, bytes=size))
        for kind in ("TABLE_REWRITE", "DELETES_DATA", "AUTHZ_UPDATE")
        for rows, size in ((None, None), (None, 10**9), (10, 10**9), (10**6, 0))
    }
    assert [key for key, needed in asked.items() if needed] == [
        ("TABLE_REWRITE", None, 10**9), ("TABLE_REWRITE", 10**6, 0),
        *(("DELETES_DATA", rows, size) for rows, size in ((None, None), (None, 10**9), (10, 10**9), (10**6, 0))),
    ]  # fmt: skip


def test_a_question_finds_a_quote_of_its_own():
    text = check_sql(Check("SELECT '$check$$check1$'", "it's {} rows $check2$ {}"))
    assert text.startswith("DO $check3$\n")
    assert text.count("$check3$") == 2
    assert "'it''s ' || hindering || ' rows $check2$ {}'" in text


def _with(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(to_document(plan(), **WHEN))
    *way, last = path
    place: Any = document
    for step in way:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return document
