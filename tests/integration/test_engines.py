"""``migrate plan --engine``: what others plan is proved like our own, and is never run where it could do harm.

Stand-ins with the names and the interface of the packages give the answers; where the real ones are installed,
they are asked as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from dbsync.schema.diff import SchemaDiff
from dbsync.schema.planner import PlannedStatements
from tests.fixtures.inprocess import Ended, InProcess
from tests.fixtures.jsonschema import faults
from tests.fixtures.pair import Pair, run_sql

STAND_IN = """
import json
from pathlib import Path
PLACE = Path({place!r})
class Migration:
    def __init__(self, present, wanted):
        PLACE.with_name("asked").touch()
        for side in (present, wanted):
            assert type(side).__name__ == {kind!r}
        statements = json.loads(PLACE.read_text())
        if statements is None:
            from sqlalchemy import text
            present.execute(text("CREATE TABLE public.written ()") if {kind!r} == "Session" else "CREATE TABLE public.written ()")
        self.statements = statements
    def set_safety(self, on):
        assert on is False
    def add_all_changes(self, privileges):
        assert privileges
    add_all_changes_ordered = add_all_changes
"""
BOTH = "CREATE TABLE orders (id int, note text); CREATE SEQUENCE s; CREATE TABLE other (id int)"
SOURCE = "ALTER TABLE orders DROP COLUMN note; DROP SEQUENCE s; DROP TABLE other; CREATE TABLE other (id int)"
RIGHT = ("alter table public.orders drop column note;", "drop sequence if exists public.s;",
         "drop table public.other; create table public.other (id int);")  # fmt: skip
ENGINES = ("migra", "results")


@pytest.fixture
def pair(pairs: Callable[..., Pair]) -> Pair:
    return pairs(BOTH, SOURCE)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[str] | None], None]:
    """Make both engines answer with these statements; None: they try to write."""
    place = tmp_path / "answer.json"
    (tmp_path / "results").mkdir()
    (tmp_path / "migra.py").write_text(STAND_IN.format(place=str(place), kind="Session"))
    (tmp_path / "results" / "__init__.py").touch()
    (tmp_path / "results" / "dbdiff.py").write_text(STAND_IN.format(place=str(place), kind="Cursor"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def answer(statements: Sequence[str] | None) -> None:
        place.write_text(json.dumps(statements))

    return answer


@pytest.fixture
def plan(capsys, pair: Pair) -> Callable[..., Ended]:
    call = InProcess(capsys)

    def make(engine: str, *more: str) -> Ended:
        ended = call(
            "migrate", "plan", pair.source, pair.target, "--engine", engine, "--shadow", "target", "--json", *more
        )
        assert faults(ended.document) == []
        return ended

    return make


@pytest.mark.parametrize("engine", ENGINES)
def test_what_another_engine_plans_is_proved_and_its_losses_are_seen(engine, plan, answers):
    answers(RIGHT)
    ended = plan(engine)
    found: dict[str, Any] = ended.document["result"]
    assert (ended.exit_code, found["engine"], found["proof"]["state"]) == (0, engine, "proved"), ended
    assert [one["destroys"] for one in found["statements"]] == [
        "the values of public.orders.note", "the value of the sequence public.s", "the rows of public.other", None,
    ]  # fmt: skip
    assert {one["type"] for one in found["statements"][2]["hazards"]} >= {"DELETES_DATA"}
    assert found["undo_proof"]["state"] == "proved"

    answers(RIGHT[:1])
    wrong = plan(engine)
    assert (wrong.exit_code, wrong.document["result"]["proof"]["state"]) == (1, "differs")
    answers([*RIGHT, "create table public.orders ()"])
    failed = plan(engine)
    assert failed.document["result"]["proof"]["failed_at"] == 5
    answers(None)
    ended = plan(engine)
    assert (ended.exit_code, ended.document["error"]["code"]) == (6, "ENGINE_FAILED")
    assert "read-only" in ended.document["error"]["message"]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TYPE e AS ENUM ('x''); drop table orders; --')", 'CREATE TABLE "a;b" (id int)',
        "CREATE TABLE c (\"'\" int)", 'CREATE SCHEMA "\\"', "CREATE TYPE e AS ENUM (E'back\\\\slash')",
    ],
)  # fmt: skip
def test_names_that_another_engine_may_not_quote_are_refused_before_it_is_asked(script, plan, answers, pair, tmp_path):
    answers(RIGHT)
    run_sql(pair.source, script)
    for engine in ENGINES:
        ended = plan(engine)
        assert (ended.exit_code, ended.document["error"]["code"]) == (4, "ENGINE_UNSAFE"), ended
    assert not (tmp_path / "asked").exists()


def test_auto_takes_the_first_plan_that_is_proved(plan, answers, monkeypatch, tmp_path):
    answers(RIGHT)
    assert plan("auto").document["result"]["engine"] == "own"
    assert not (tmp_path / "asked").exists()

    def at_a_loss(*sides: Any, **options: Any) -> PlannedStatements:
        return PlannedStatements(diff=SchemaDiff(created=(), dropped=(), changed=()), statements=())

    monkeypatch.setattr("dbsync.proof_trial.plan_statements", at_a_loss)
    found = plan("auto").document["result"]
    assert (found["engine"], found["proof"]["state"]) == ("results", "proved")
    answers(RIGHT[:1])
    found = plan("auto").document["result"]
    assert (found["engine"], found["proof"]["state"]) == ("own", "differs")
    (tmp_path / "results" / "dbdiff.py").write_text("raise ValueError('boom')")
    ended = plan("auto")
    assert "results was not tried: results gave up: ValueError: boom" in ended.document["warnings"]


def test_other_engines_plan_whole_schemas_only(plan, answers):
    answers(RIGHT)
    for more in (("--tables", "orders"), ("--online",), ("--rename", "public.orders=public.o"), ("--ignore", "owner")):
        ended = plan("migra", *more)
        assert (ended.exit_code, ended.document["error"]["code"]) == (2, "CONFIG"), ended
        assert "migra plans whole schemas" in ended.document["error"]["message"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_real_packages_are_understood(engine, plan):
    if find_spec(engine) is None:
        ended = plan(engine)
        assert (ended.exit_code, ended.document["error"]["code"]) == (2, "NO_ENGINE")
        assert ended.document["error"]["hint"] == f"pip install 'dbsync[{engine}]'"
        return
    ended = plan(engine)
    assert ended.document["result"]["proof"]["state"] in ("proved", "differs", "failed")
    assert "the values of public.orders.note" in [one["destroys"] for one in ended.document["result"]["statements"]]
