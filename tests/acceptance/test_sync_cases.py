"""Runs every folder of tests/cases/sync: two databases from SQL, one sync, and what must be true after it.

``options.yml`` holds: about, args, exit (a number or several), mentions (words of the error), says (words
anywhere in the document), tables (expected members of the result), skipped, warnings, verified, compare
(how the oracle compares), roles, min_version, checks (queries on the target afterwards), unchanged
(tables that keep their old rows), once (no second run), delta (false: no third run that repairs damage), damaged (the tables
to damage, else all).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.conftest import CalledSync
from tests.fixtures import oracle
from tests.fixtures.command import Result
from tests.fixtures.pair import Pair, rows, run_sql, with_user

CASES = Path(__file__).parents[1] / "cases" / "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One folder."""

    about: str
    schema: str
    source: str
    target: str
    args: list[str] = field(default_factory=list)
    exit: int | list[int] = 0
    mentions: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    verified: bool = True
    compare: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    min_version: int = 13
    checks: list[dict[str, Any]] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    once: bool = False
    delta: bool = True
    damaged: list[str] = field(default_factory=list)

    @property
    def exits(self) -> list[int]:
        return self.exit if isinstance(self.exit, list) else [self.exit]

    def selection(self) -> oracle.Selection:
        """How the oracle compares."""
        return oracle.Selection(
            tables=frozenset(self.compare.get("tables", ())),
            exclude=frozenset(self.compare.get("exclude", ())),
            mapping=self.compare.get("map", {}),
            where=self.compare.get("where", {}),
            columns=self.compare.get("columns", {}),
            sequences="tables" not in self.compare,
        )


def read_case(folder: Path) -> Case:
    """Read a folder; an unknown option is a mistake in the case."""
    texts: dict[str, Any] = {
        name: path.read_text() if (path := folder / f"{name}.sql").exists() else ""
        for name in ("schema", "source", "target")
    }
    return Case(**yaml.safe_load((folder / "options.yml").read_text()), **texts)


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_sync_case(name: str, pairs, servers, called: CalledSync) -> None:
    case = read_case(CASES / name)
    if servers.major < case.min_version:
        pytest.skip(f"{name} needs Postgres {case.min_version}, this is {servers.major}")
    pair = pairs(case.schema, case.source, case.target)
    source_before, target_before = oracle.take(pair.source), oracle.take(pair.target)
    mine = oracle.leftovers(pair.target, patience=0)  # what the case itself put there
    result = run(called, case, pair, *case.args)
    assert result.exit_code in case.exits, f"{case.about}\n{result}"
    result.ended(result.exit_code)
    if result.exit_code == 0:
        check_done(case, pair, result, target_before)
        if not case.once:
            again = run(called, case, pair, *replacing(case.args)).ended(0)
            check_done(case, pair, again, target_before, first=False)
            check_delta(called, case, pair, target_before)
        check_queries(case, pair)
    else:
        check_refused(case, pair, result, target_before)
    assert_says(case, result)
    assert oracle.all_changes(source_before, oracle.take(pair.source)) == []
    assert oracle.leftovers(pair.source, excuse=mine.__contains__) == []
    assert oracle.leftovers(pair.target, excuse=mine.__contains__) == []


def run(called: CalledSync, case: Case, pair: Pair, *args: str) -> Result:
    """Run the sync as the roles of the case."""
    source, target = (
        with_user(url, case.roles[end]) if end in case.roles else url
        for end, url in (("source", pair.source), ("target", pair.target))
    )
    return called.sync(source, target, *args)


def check_delta(called: CalledSync, case: Case, pair: Pair, before: oracle.Photograph) -> None:
    """Nothing changed: nothing written. Then rows are lost, altered and added in the target: all is repaired."""
    args = [arg for arg in case.args if arg not in ("--mode", "replace", "--drop-indexes")]
    if case.delta:
        once = run(called, case, pair, *args).ended(0)
        assert once.result["totals"] == dict.fromkeys(once.result["totals"], 0), once
        damage(pair.target, case)
        deleting = [arg for arg in ("--delete", "--max-delete=100%") if arg not in args]
        repaired = run(called, case, pair, *args, *deleting).ended(0)
        check_done(case, pair, repaired, before, first=False)
        if any(table["rows_source"] for table in repaired.result["tables"]):
            assert repaired.result["totals"]["rows_inserted"], repaired


def damage(url: str, case: Case) -> None:
    """Delete every third row of every table, whatever its constraints and triggers say."""
    query = (
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbsync') "
        "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1"
    )
    names = sorted(case.damaged) or [str(name) for (name,) in rows(url, query)]
    run_sql(
        url,
        "SET session_replication_role = replica;"
        + "".join(
            f"DELETE FROM ONLY {name} WHERE ctid IN "
            f"(SELECT ctid FROM (SELECT ctid, row_number() OVER () n FROM ONLY {name}) s WHERE n % 3 = 1);"
            for name in names
        ),
    )


def replacing(args: list[str]) -> list[str]:
    """The same once more, over rows that are there now."""
    kept = [
        arg for at, arg in enumerate(args) if arg != "--delete" and "--max-delete" not in args[max(at - 1, 0) : at + 1]
    ]
    return args if "--mode" in args else ["--mode", "replace", *kept]


def check_done(case: Case, pair: Pair, result: Result, before: oracle.Photograph, *, first: bool = True) -> None:
    """The rows are the source's, the structure is the target's own, the report is true."""
    assert oracle.differences(pair.source, pair.target, case.selection()) == [], f"{case.about}\n{result}"
    assert oracle.structure_changes(before, oracle.take(pair.target)) == [], f"{case.about}\n{result}"
    found = result.result
    assert found["state"] == "succeeded", result
    assert found["verified"] is case.verified, result
    for table in found["tables"]:
        assert table["state"] == "done", result
        assert table["verified"] is case.verified, result
        assert table["reason"], result
    for member in ("rows_inserted", "rows_updated", "rows_deleted", "bytes_copied"):
        assert found["totals"][member] == sum(table[member] for table in found["tables"]), result
    tables = result.tables()
    for name, expected in case.tables.items() if first else ():
        assert name in tables, result
        assert {member: tables[name][member] for member in expected} == expected, result
    skipped = {entry["table"]: entry["reason"] for entry in found["skipped"]}
    for name, reason in case.skipped.items():
        assert reason in skipped.get(name, ""), result
    for warning in case.warnings:
        assert any(warning in text for text in result.document["warnings"]), result


def check_refused(case: Case, pair: Pair, result: Result, before: oracle.Photograph) -> None:
    """A refusal changes nothing; a failure changes no table that it names as failed."""
    after = oracle.take(pair.target)
    if result.exit_code in (2, 4):
        assert oracle.all_changes(before, after) == [], f"{case.about}\n{result}"
    assert oracle.structure_changes(before, after) == [], f"{case.about}\n{result}"
    kept = case.unchanged or list(before.content)
    for name in kept:
        assert after.content[name] == before.content[name], f"{name} changed: {case.about}\n{result}"
    if result.document["result"] is not None and result.exit_code != 2:
        assert result.result["state"] == "failed", result
        for table in result.result["tables"]:
            if table["table"] in kept:
                assert table["state"] != "done", result
    if result.exit_code != 1:
        error = result.error
        assert error["message"], result
        assert "\n" not in error["message"], result
    said = json.dumps([result.document["error"], result.document["result"]], ensure_ascii=False)
    for word in case.mentions:
        assert word in said, f"{word!r} is not mentioned: {case.about}\n{result}"


def check_queries(case: Case, pair: Pair) -> None:
    """What the case asks of the target at the end."""
    for check in case.checks:
        assert rows(pair.target, check["sql"]) == check["rows"], f"{case.about}: {check['sql']}"


def assert_says(case: Case, result: Result) -> None:
    """Words that must stand somewhere in the document."""
    for word in case.says:
        assert word in result.stdout, f"{word!r} is not said: {case.about}\n{result}"
