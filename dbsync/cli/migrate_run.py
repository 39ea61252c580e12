"""``dbsync migrate apply`` and ``rollback``: what a plan says is checked, agreed to, run, and looked at afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.migrate_options import (
    AllowHazard,
    Confirm,
    DryRun,
    Engine,
    LockTimeout,
    NoProof,
    Online,
    OtherTarget,
    PlanArgument,
    Renames,
    Shadow,
    StatementTimeout,
    Unproved,
    allowed_hazards,
    is_plan,
    milliseconds,
    plan_now,
    plan_of,
    planning_options,
    reached,
    target_of,
    without_password,
)
from dbsync.cli.output import Answer
from dbsync.cli.render_plan import counts, unplanned_line
from dbsync.cli.selection_options import Exclude, Ignore, Schemas, Tables
from dbsync.cli.terminal import escape
from dbsync.errors import ConfigError, Refused, StalePlan
from dbsync.pg.database import Database
from dbsync.schema.plan import MigrationPlan, Statement

if TYPE_CHECKING:  # loaded when something is run
    from dbsync.migrating import ApplyReport, OpenMigration

_PATIENCE_S = 15.0  # the server notices a dead client within ten
_MARKS = {"done": "done", "failed": "FAILED", "pending": "not run"}


@command("apply", two_ended=True, graceful=True, report=True)
def apply(
    context: Context,
    plan: Annotated[
        str, typer.Argument(metavar="PLAN|SOURCE", help="A file that migrate plan -o wrote; or a source to plan with.")
    ],
    target: Annotated[
        str | None,
        typer.Argument(metavar="TARGET", help="The database to change; after PLAN only where its name is not enough."),
    ] = None,
    tables: Tables = None,
    exclude: Exclude = None,
    schemas: Schemas = None,
    ignore: Ignore = None,
    renames: Renames = None,
    online: Online = False,
    shadow: Shadow = None,
    no_proof: NoProof = False,
    engine: Engine = "own",
    allow_hazard: AllowHazard = None,
    unproved: Unproved = False,
    lock_timeout: LockTimeout = None,
    statement_timeout: StatementTimeout = None,
    dry_run: DryRun = False,
    confirm: Confirm = None,
) -> Answer:
    """Run a plan, or plan and run: what is proved and allowed, and nothing if the target is not what it was.

    After a stop or a crash the same command goes on. Exit 0: the schema is now what the plan promised.
    """
    if not dry_run:
        context.audited("migrate.apply")
    allow = allowed_hazards(allow_hazard)
    if is_plan(context, plan):
        given = {
            "--tables": tables, "--exclude": exclude, "--schema": schemas, "--ignore": ignore, "--rename": renames,
            "--online": online, "--shadow": shadow, "--no-proof": no_proof, "--engine": engine != "own",
        }  # fmt: skip
        if decided := [name for name, value in given.items() if value]:
            raise ConfigError(f"{decided[0]} is settled by the plan", hint="leave it out, or give SOURCE and TARGET")
        planned = plan_of(context, Path(plan))
        database = target_of(context, planned, target)
    else:
        if target is None:
            raise ConfigError("migrate apply needs a plan's file, or SOURCE and TARGET", hint="see its --help")
        options = planning_options(
            context, tables=tables, exclude=exclude, schemas=schemas, ignore=ignore, renames=renames, online=online,
            shadow=shadow, no_proof=no_proof, engine=engine,
        )  # fmt: skip
        database = context.database(target, read_only=False)
        planned = plan_now(context, plan, target, options)
        for warning in planned.warnings:
            context.warn(warning)
    limits = (milliseconds(lock_timeout), milliseconds(statement_timeout))
    with without_password(target):
        return _run(context, planned, database, "up", allow, unproved, limits, dry_run, confirm)


@command("rollback", two_ended=True, graceful=True, report=True)
def rollback(
    context: Context,
    file: PlanArgument,
    target: OtherTarget = None,
    allow_hazard: AllowHazard = None,
    unproved: Unproved = False,
    lock_timeout: LockTimeout = None,
    statement_timeout: StatementTimeout = None,
    dry_run: DryRun = False,
    confirm: Confirm = None,
) -> Answer:
    """Take back what a plan did: the structure as it was before; data that it deleted stays gone."""
    if not dry_run:
        context.audited("migrate.rollback")
    allow = allowed_hazards(allow_hazard)
    planned = plan_of(context, file)
    database = target_of(context, planned, target)
    limits = (milliseconds(lock_timeout), milliseconds(statement_timeout))
    with without_password(target):
        return _run(context, planned, database, "down", allow, unproved, limits, dry_run, confirm)


def _run(
    context: Context,
    plan: MigrationPlan,
    database: Database,
    direction: Literal["up", "down"],
    allow: frozenset[str],
    unproved: bool,
    limits: tuple[int | None, int | None],
    dry_run: bool,
    confirm: str | None,
) -> Answer:
    from dbsync.migrating import open_migration

    with open_migration(
        plan, database, direction=direction, patience=_PATIENCE_S, emit=context.emit, control=context.control,
        warn=context.warn, opened=reached(context, plan),
    ) as opened:  # fmt: skip
        if dry_run:
            return _rehearsed(opened, plan, unproved, allow)
        opened.prepare(unproved=unproved, allow=allow)
        for question in opened.not_asked:
            context.warn(f"could not be asked before it is made: {question}")
        if not opened.pending and not opened.resumed:
            return _answer(plan, opened, None)
        ask = (lambda: context.confirm(_question(opened, database.url.name))) if context.can_ask else None
        opened.require_consent(yes=context.options.yes, confirm=confirm, ask=ask)
        report = opened.run(lock_timeout_ms=limits[0], statement_timeout_ms=limits[1])
        return _answer(plan, opened, report)


def _rehearsed(opened: OpenMigration, plan: MigrationPlan, unproved: bool, allow: frozenset[str]) -> Answer:
    """What would be run; a refusal is told, not made, but for a plan that is for something else."""
    refused = []
    try:
        opened.prepare(unproved=unproved, allow=allow)
    except StalePlan:
        raise
    except Refused as error:
        refused.append({"code": error.code, "message": error.message, "hint": error.hint})
    state = "planned" if opened.pending or refused else "nothing to do"
    result = _result(plan, opened, state) | {"would_refuse": refused, "verified": state == "nothing to do"}
    return Answer(result=result, render={"text": lambda: _lines(result)})


def _answer(plan: MigrationPlan, opened: OpenMigration, report: ApplyReport | None) -> Answer:
    if report is None:  # the target is what the plan leads to
        result = _result(plan, opened, "nothing to do") | {"verified": True}
        return Answer(result=result, render={"text": lambda: _lines(result)}, exit_code=_left(plan, opened))
    result = _result(plan, opened, report.state) | {
        "migration_id": report.migration_id,
        "verified": report.verified,
        "differences": list(report.differences),
    }
    good = _left(plan, opened) if report.verified else 1
    return Answer(
        result=result,
        render={"text": lambda: _lines(result)},
        exit_code=report.error.status if report.error else good,
        error=report.error,
    )


def _left(plan: MigrationPlan, opened: OpenMigration) -> int:
    """1 where the target is still not like the source."""
    return 1 if plan.unplanned and opened.direction == "up" else 0


def _result(plan: MigrationPlan, opened: OpenMigration, state: str) -> dict[str, Any]:
    done = sum(one.state == "done" for one in opened.results)
    return {
        "migration_id": None,
        "direction": opened.direction,
        "state": state,
        "resumed": opened.resumed,
        "verified": False,
        "differences": [],
        "totals": {"statements": len(opened.results), "done": done, "pending": len(opened.results) - done},
        "statements": [
            {
                "number": one.number, "sql": one.statement.sql, "object": str(one.statement.ref),
                "action": one.statement.action, "state": one.state, "elapsed_s": round(one.elapsed_s, 3),
                "tries": one.tries, "error": one.error,
            }
            for one in opened.results
        ],
        "unplanned": [unplanned_line(one) for one in plan.unplanned] if opened.direction == "up" else [],
        "would_refuse": [],
    }  # fmt: skip


def _lines(result: dict[str, Any]) -> Iterator[str]:
    totals = result["totals"]
    if result["state"] == "nothing to do":
        yield "nothing to do: the schema is what the plan leads to\n"
    elif result["state"] == "planned":
        yield f"{totals['pending']} of {totals['statements']} statements would be run\n"
    else:
        seconds = sum(one["elapsed_s"] for one in result["statements"])
        verified = "verified" if result["verified"] else "NOT verified"
        yield f"{totals['done']} of {totals['statements']} statements done in {seconds:.1f} s, {verified}"
        yield f" (migration {result['migration_id']})\n"
    if result["state"] in ("planned", "failed", "stopped"):
        for one in result["statements"]:
            mark = "would run" if result["state"] == "planned" and one["state"] == "pending" else _MARKS[one["state"]]
            yield f"{one['number']:>4}  {mark:<9} {_one_line(one['sql'])}\n"
    yield from (f"  {escape(one)}\n" for one in result["differences"])
    yield from (f"not planned: {escape(one)}\n" for one in result["unplanned"])
    for one in result["would_refuse"]:
        yield f"would be refused: {escape(one['message'])}" + (f" ({escape(one['hint'])})\n" if one["hint"] else "\n")


def _question(opened: OpenMigration, name: str) -> str:
    pending: tuple[Statement, ...] = opened.pending
    lost = list(dict.fromkeys(one.destroys for one in pending if one.destroys))
    number = f"{len(pending)} statement{'s' * (len(pending) != 1)}"
    gone = f"; gone for good: {', '.join(lost)}" if lost else ""
    return f"Run {number} ({counts(pending)}) on {name}{gone}?"


def _one_line(sql: str) -> str:
    text = escape(" ".join(sql.split()))
    return text if len(text) <= 120 else text[:119] + "…"
