"""PURE: a migration plan as a script for ``psql -v ON_ERROR_STOP=1``: what ``migrate apply`` would do, to be read.

The data is asked first; then each group runs in its own transaction. What people wrote (names, reasons) stands
in comments of one line, so that nothing of it is ever run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from dbsync.pg.quoting import literal
from dbsync.schema.hazards import needs_leave
from dbsync.schema.plan import Hazard, MigrationPlan, Proof, Statement
from dbsync.schema.steps import Check

_SESSION = (
    "SET standard_conforming_strings = on;\n"
    "SET client_encoding = 'UTF8';\n"
    "SET search_path = '';\n"
    "SET check_function_bodies = off;\n"
)
_LOCK = "ACQUIRES_"
# What the plan itself makes cannot be asked yet.
_UNKNOWN = "undefined_table OR undefined_column OR undefined_function OR undefined_object OR invalid_schema_name"


def plan_sql(plan: MigrationPlan) -> Iterator[str]:
    """Yield the script that migrates."""
    yield f"-- Makes the schema of {_comment(plan.target.name)} like that of {_comment(plan.source.name)}.\n"
    yield f"-- {_proof(plan.proof)}\n"
    yield "-- Run it with: psql -X -v ON_ERROR_STOP=1 -f FILE\n"
    for one in plan.unplanned:
        parts = f" ({', '.join(one.parts)})" if one.parts else ""
        yield f"-- NOT PLANNED: {_comment(f'{one.ref}{parts}: {one.reason}')}\n"
    for other in plan.not_compared:
        yield f"-- NOT COMPARED: {_comment(f'{other.count} {other.kind}: {other.reason}')}\n"
    for warning in plan.warnings:
        yield f"-- WARNING: {_comment(warning)}\n"
    yield from statements_sql(plan.statements)


def undo_sql(plan: MigrationPlan) -> Iterator[str]:
    """Yield the script that undoes it."""
    yield f"-- Makes the schema of {_comment(plan.target.name)} as it was before the migration.\n"
    yield f"-- {_proof(plan.undo_proof)}\n"
    for lost in lost_by(plan):
        yield f"-- STRUCTURE ONLY: {_comment(lost)} are gone\n"
    yield from statements_sql(plan.undo)


def lost_by(plan: MigrationPlan) -> list[str]:
    """What the plan destroys, so that its undo cannot bring it back."""
    return list(dict.fromkeys(one.destroys for one in plan.statements if one.destroys))


def statements_sql(statements: Sequence[Statement]) -> Iterator[str]:
    """Yield the statements with their transactions, timeouts, questions and hazards."""
    if not statements:
        yield "-- There is nothing to do.\n"
        return
    yield f"\n{_SESSION}"
    checks = list(dict.fromkeys(check for one in statements for check in one.checks))
    if checks:
        yield "\n-- Rows that would be in the way, asked before anything is changed.\n"
        yield from map(check_sql, checks)
    numbers = itertools.count(1)
    for _, members in itertools.groupby(statements, key=lambda one: (one.group, one.transactional)):
        group = list(members)
        yield "\n"
        if group[0].transactional:
            yield "BEGIN;\n"
            yield from _limited(group, numbers, local=True)
            yield "COMMIT;\n"
        else:
            yield from _limited(group, numbers, local=False)


def check_sql(check: Check) -> str:
    """Return a block that raises when there are rows in the way."""
    before, _, after = check.message.partition("{}")
    message = f"{literal(before)} || hindering || {literal(after)}" if "{}" in check.message else literal(before)
    body = (
        f"DECLARE hindering bigint;\n"
        f"BEGIN\n"
        f"    BEGIN\n"
        f"        EXECUTE {literal(check.sql)} INTO hindering;\n"
        f"    EXCEPTION WHEN {_UNKNOWN} THEN\n"
        f"        hindering := 0;\n"
        f"    END;\n"
        f"    IF hindering <> 0 THEN\n"
        f"        RAISE EXCEPTION USING MESSAGE = {message};\n"
        f"    END IF;\n"
        f"END\n"
    )
    tag = dollar_tag(body)
    return f"DO {tag}\n{body}{tag};\n"


def dollar_tag(body: str, name: str = "check") -> str:
    """Return a dollar quote that the text does not hold."""
    tags = itertools.chain([f"${name}$"], (f"${name}{number}$" for number in itertools.count(1)))
    return next(tag for tag in tags if tag not in body)


def told_hazards(statement: Statement) -> list[Hazard]:
    """The hazards that people are told of, those first that must be allowed by name.

    A lock is told with what is done under it: not once more by itself.
    """
    worked_on = {one.object for one in statement.hazards if one.lock and not one.type.startswith(_LOCK)}
    told = [one for one in statement.hazards if not (one.type.startswith(_LOCK) and one.object in worked_on)]
    return sorted(told, key=needs_leave, reverse=True)


def hazard_lines(statement: Statement) -> list[str]:
    """The hazards of a statement in words."""
    return [
        f"{one.message} (--allow-hazard {one.type})" if needs_leave(one) else one.message
        for one in told_hazards(statement)
    ]


def _limited(group: Sequence[Statement], numbers: Iterator[int], *, local: bool) -> Iterator[str]:
    said: tuple[int, int] | None = None
    verb = "SET LOCAL" if local else "SET"
    for one in group:
        # The server counts the wait for locks as part of the statement.
        limits = (one.lock_timeout_ms, one.lock_timeout_ms + one.timeout_ms)
        if limits != said:
            yield f"{verb} lock_timeout = {limits[0]};\n{verb} statement_timeout = {limits[1]};\n"
            said = limits
        yield f"-- {next(numbers)}: {one.action} {_comment(str(one.ref))}\n"
        yield from (f"--    {_comment(line)}\n" for line in hazard_lines(one))
        yield f"{one.sql.rstrip().removesuffix(';')};\n"


def _proof(proof: Proof) -> str:
    words = {
        "proved": "Proved on a shadow",
        "differs": "NOT PROVED: the shadow differed from the source afterwards",
        "failed": f"NOT PROVED: statement {proof.failed_at} failed on the shadow",
        "not run": "Not proved",
    }[proof.state]
    judges = f" by {', '.join(proof.judges)}" if proof.judges else ""
    version = f" (Postgres {proof.server_version})" if proof.server_version else ""
    return _comment(f"{words}{version}{judges}" + (f": {proof.reason}" if proof.reason else ""))


def _comment(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
