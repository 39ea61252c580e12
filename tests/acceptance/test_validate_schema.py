"""``validate --level schema``: every rule is told where it should be, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dbsync.data.rules import RULES
from tests.fixtures.inprocess import InProcess
from tests.fixtures.pair import Pair, Server, create_database, drop_database, run_sql
from tests.fixtures.validate_cases import CASES, ICU_CASES, Case


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return InProcess(capsys)


@contextmanager
def side_by_side(source: Server, target: Server, cases: Iterable[Case]) -> Iterator[Pair]:
    """All cases in one pair of databases."""
    made = Pair(create_database(source), create_database(target))
    try:
        for case in cases:
            for url, own in ((made.source, case.source), (made.target, case.target)):
                run_sql(url, f"CREATE SCHEMA {case.name};" + case.script(case.both + own))
        yield made
    finally:
        drop_database(source, made.source)
        drop_database(target, made.target)


@pytest.fixture(scope="module")
def pair(pg_a, pg_b):
    with side_by_side(pg_a, pg_b, CASES) as made:
        yield made


@pytest.fixture(scope="module")
def icu_pair(pg15):
    with side_by_side(pg15, pg15, ICU_CASES) as made:
        yield made


def findings(ended: Any) -> dict[str, str]:
    found = ended.document["result"]["findings"]
    for one in found:
        facts = RULES[one["details"]["rule"]]
        assert (one["severity"], one["category"], one["recommendation"]) == (
            facts.severity, facts.category, facts.recommendation,
        )  # fmt: skip
        assert one["id"].partition(":")[0] == one["details"]["rule"]
    return {one["id"]: one["severity"] for one in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pair_of_structures_has_just_these_findings(case: Case, pair, call):
    check(case, pair, call)


@pytest.mark.parametrize("case", ICU_CASES, ids=lambda case: case.name)
def test_so_has_a_pair_with_collations_of_icu(case: Case, icu_pair, call):
    check(case, icu_pair, call)


def check(case: Case, pair: Pair, call: InProcess) -> None:
    ended = call("validate", pair.source, pair.target, "--tables", f"{case.name}.*", "--json")
    assert findings(ended) == case.found
    grave = set(case.found.values())
    assert ended.document["result"]["can_proceed"] is ("critical" not in grave)
    assert ended.document["result"]["is_valid"] is grave.isdisjoint({"critical", "high"})
    assert ended.exit_code == (0 if ended.document["result"]["is_valid"] else 1)
