"""``dbsync sync SOURCE TARGET``: plan, ask, run, report."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated, Literal

import typer

from dbsync import services
from dbsync.cli import recent_runs
from dbsync.cli.auditing import Audit, fingerprints
from dbsync.cli.command import LAST_RUN, command
from dbsync.cli.context import Context, end_of
from dbsync.cli.output import Answer, write_file
from dbsync.cli.recording import run_recorded
from dbsync.cli.render_sync import plan_text, question, report_text
from dbsync.cli.selection_options import keyed, names
from dbsync.data.options import DeleteLimit, SyncOptions, TableMap
from dbsync.data.plan import SyncPlan
from dbsync.data.plan_file import PlanFile, from_text
from dbsync.data.report import SyncReport
from dbsync.errors import ConfigError, DbsyncError, LedgerHeld, TargetBusy
from dbsync.pg.database import Database
from dbsync.quantities import parse_rate, parse_size
from dbsync.store.audit_entry import digest

_PATIENCE_S = 15.0  # the server notices a dead client within ten


@command("sync", formats=("text", "json"), two_ended=True, graceful=True, report=True, reporting=True)
def sync(
    context: Context,
    source: Annotated[str | None, typer.Argument(metavar="SOURCE", help="The database to read.")] = None,
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="The database to make like the source.")
    ] = None,
    job: Annotated[
        str | None,
        typer.Option("--name", metavar="JOB", is_eager=True, help="Run a sync of the config file, in place of both."),
    ] = None,
    mode: Annotated[
        Literal["delta", "replace", "append", "cursor"],
        typer.Option(
            "--mode",
            help="delta: write only what differs; replace: replace what the target holds; append: only insert what is "
            "missing; cursor: only rows past the value that --cursor had. Empty tables are bulk loaded.",
        ),
    ] = "delta",
    cursors: Annotated[
        list[str] | None,
        typer.Option(
            "--cursor",
            metavar="TABLE:COLUMN",
            help="A column that only grows: rows past its last value are copied, deletes are not seen; repeatable.",
        ),
    ] = None,
    create: Annotated[
        bool,
        typer.Option(
            "--create",
            help="Make the source's schema first where the target has nothing; foreign keys come last, validated in "
            "parallel.",
        ),
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Also delete rows that the source has not (delta).")] = False,
    max_delete: Annotated[
        DeleteLimit | None,
        typer.Option(
            "--max-delete",
            metavar="N|P%",
            parser=DeleteLimit.parse,
            help="Write nothing if more rows would be deleted, per table or in all. 100% allows emptied tables.",
        ),
    ] = None,
    tables: Annotated[
        list[str] | None, typer.Option("--tables", metavar="PATTERN", help="Only these tables: public.*; repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave these tables out; repeatable.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="TABLE:EXPR", help="Only the rows that match; repeatable.")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--columns", metavar="TABLE:a,b", help="Only these columns; repeatable.")
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="SRC=DST", help="Other names in the target: a.t=b.u or a.*=b.*; repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Tables and streams at a time.")] = 4,
    chunk_size: Annotated[
        int,
        typer.Option(
            "--chunk-size",
            metavar="SIZE",
            parser=parse_size,
            show_default="64MB",
            help="Read tables larger than this in ranges, in parallel.",
        ),
    ] = 64 * 1024 * 1024,
    max_rate: Annotated[
        int | None,
        typer.Option("--max-rate", metavar="RATE", parser=parse_rate, help="At most so much a second in all: 50MB/s."),
    ] = None,
    verify: Annotated[
        Literal["checksum", "count", "none"],
        typer.Option("--verify", help="How to prove each table before its commit; with --create, the schema too."),
    ] = "checksum",
    triggers: Annotated[
        Literal["off", "keep"], typer.Option("--triggers", help="User triggers of the target while rows are loaded.")
    ] = "off",
    drop_indexes: Annotated[
        bool, typer.Option("--drop-indexes", help="Drop the indexes before a load and build them after it.")
    ] = False,
    on_locked: Annotated[
        Literal["fail", "wait", "skip"], typer.Option("--on-locked", help="When another run holds the target.")
    ] = "fail",
    on_drift: Annotated[
        Literal["fail", "ignore"],
        typer.Option(
            "--on-drift",
            help="When a database is not as it was planned for, before the first write. ignore: warn, and take "
            "what is there now.",
        ),
    ] = "fail",
    on_row_error: Annotated[
        Literal["fail", "quarantine"],
        typer.Option(
            "--on-row-error",
            help="quarantine: rows that the target refuses go to its table dbsync.quarantine, all others in; exit 6.",
        ),
    ] = "fail",
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="[RUN]",
            help="Take up a run that was stopped or died, the last one without RUN: with its options, leaving alone "
            "what it was done with.",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start anew after a run that died: wait 15 s for its lock, as --resume.")
    ] = False,
    no_ledger: Annotated[
        bool, typer.Option("--no-ledger", help="Keep no books in the target: a run cannot be resumed then.")
    ] = False,
    full_compare: Annotated[
        bool, typer.Option("--full-compare", help="Hash every row, also where nothing was written since the last run.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan with exact row counts; write nothing.")
    ] = False,
    plan_out: Annotated[
        Path | None, typer.Option("--plan-out", metavar="FILE", help="Write the plan as JSON to this file.")
    ] = None,
    plan_file: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Hold to a plan written by --plan-out, with its options; refused where the databases have moved on.",
        ),
    ] = None,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="Type the name of a protected target.")
    ] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Let the workers do it, and follow it to its end; Ctrl-C only looks away.")
    ] = False,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Let the workers do it, or one started for it; print the run, do not wait."),
    ] = False,
    priority: Annotated[
        int,
        typer.Option("--priority", min=-1000, max=1000, help="Of jobs that wait for workers, the highest runs first."),
    ] = 0,
) -> Answer:
    """Make the target's rows like the source's, from one snapshot, verified before each commit."""
    context.started()
    audit = context.audited("sync.queue" if queue or detach else "sync") if not dry_run else None
    options = SyncOptions(
        mode=mode,
        delete=delete,
        max_delete=max_delete,
        tables=tuple(tables or ()),
        exclude=tuple(exclude or ()),
        where=keyed("--where", where),
        columns={table: names(text) for table, text in keyed("--columns", columns).items()},
        maps=tuple(map(TableMap.parse, maps or ())),
        cursors={table: _column(table, text) for table, text in keyed("--cursor", cursors).items()},
        jobs=jobs,
        chunk_bytes=chunk_size,
        max_rate=max_rate,
        verify=verify,
        triggers=triggers,
        drop_indexes=drop_indexes,
        on_locked=on_locked,
        on_drift=on_drift,
        on_row_error=on_row_error,
        ledger=not no_ledger,
        full_compare=full_compare,
        create=create,
    )
    if resume is not None and restart:
        raise ConfigError("--resume and --restart contradict each other")
    if resume is not None and plan_file is not None:
        raise ConfigError("--resume and --plan contradict each other", hint="a plan is for a run of its own")
    if create and (plan_file is not None or plan_out is not None):
        raise ConfigError(
            "--create does not go with --plan and --plan-out", hint="a plan file is of tables that are there"
        )
    planned = _read_plan(plan_file) if plan_file is not None else None
    options = planned.merged(options, context.typed) if planned is not None else options
    source, target = typed = _named_ends(context, job, source, target, resume)
    ends = (context.database(source, read_only=True), context.database(target, read_only=False))
    if queue or detach:
        if dry_run or plan_out is not None or planned is not None or resume is not None or restart:
            raise ConfigError(
                "--queue and --detach take a sync as it is: without --dry-run, --plan, --plan-out, --resume, --restart",
                hint="dbsync jobs retry takes up a job that was queued before",
            )
        from dbsync.cli.queued import hand_over

        both = (ends[0].url, ends[1].url)
        if audit is not None:
            audit.know(source=both[0].name, target=both[1].name)
        return hand_over(context, both, options, name=job, confirm=confirm, detach=detach, priority=priority)
    try:
        return _sync(
            context,
            ends,
            options,
            typed=typed,
            job=job,
            audit=audit,
            planned=planned,
            plan_out=plan_out,
            confirm=confirm,
            resume=resume,
            restart=restart,
        )
    except TargetBusy as busy:
        if on_locked != "skip" or isinstance(busy, LedgerHeld):  # no other run does what this one was to do
            raise
        return skipped(context, verify, busy.message)


def _sync(
    context: Context,
    ends: tuple[Database, Database],
    options: SyncOptions,
    *,
    typed: tuple[str, str],
    job: str | None,
    audit: Audit | None,  # None: a dry run
    planned: PlanFile | None,
    plan_out: Path | None,
    confirm: str | None,
    resume: str | None,
    restart: bool,
) -> Answer:
    dry_run = audit is None
    patience = _PATIENCE_S if resume is not None or restart else 0.0
    with services.open_sync(
        *ends,
        options,
        writes=not dry_run,
        patience=patience,
        emit=context.emit,
        control=context.control,
        warn=context.warn,
    ) as opened:
        context.describe(source=end_of(opened.source), target=end_of(opened.target))
        if resume is not None:
            context.notice(opened.resume(None if resume == LAST_RUN else resume, context.typed))
        if planned is not None:
            opened.follow(planned)
        counted = plan_out is not None and dry_run
        plan = opened.plan(count=dry_run, contents=counted, emit=context.emit, control=context.control)
        if planned is not None and not plan.expected:
            context.notice("the plan was made without --dry-run: whether the target's rows changed is not known")
        if plan_out is not None:
            write_file(plan_out, [opened.plan_text()])
        if audit is None:
            return _planned(context, plan)
        audit.know(plan=digest(plan.to_dict()), **fingerprints(opened.source, opened.target))
        ask = (lambda: context.confirm(question(plan, ends[1].url.name))) if context.can_ask else None
        opened.require_consent(yes=context.options.yes, confirm=confirm, ask=ask)
        if plan.ledger:
            recent_runs.remember(opened.run_id, *typed)
        gc.freeze()  # what is there stays: looking through it once more would take 20 ms
        gc.set_threshold(10_000)  # what loading the store makes stays as well: five looks at it instead of sixty
        gc.enable()  # see cli.main: from here on it may take long
        succeeded, resumed = False, None
        try:
            report = run_recorded(context, opened, (ends[0].url, ends[1].url), name=job, confirm=confirm)
            succeeded, resumed = report.state == "succeeded", report.resumed
        finally:
            if plan.ledger:
                recent_runs.ended(opened.run_id, succeeded=succeeded, resumed=resumed)
        return _reported(context, report)


def _named_ends(
    context: Context, job: str | None, source: str | None, target: str | None, resume: str | None
) -> tuple[str, str]:
    if job is not None and source is None and target is None:
        configured = context.settings.sync(job)
        return configured.source, configured.target
    if resume is not None and job is None and source is None and target is None:
        known = recent_runs.last_broken() if resume == LAST_RUN else recent_runs.recall(resume)
        if known is None:
            raise ConfigError(
                "no run is known on this machine that was stopped or died and has not been taken up"
                if resume == LAST_RUN
                else "that run is not known on this machine",
                hint="name its SOURCE and TARGET as well",
            )
        context.notice(f"from {known[0]} to {known[1]}")
        return known
    if job is not None or source is None or target is None:
        raise ConfigError("sync needs SOURCE and TARGET, or --name alone", hint="see dbsync sync --help")
    return source, target


def _column(table: str, text: str) -> str:
    listed = names(text)
    if len(listed) != 1 or not listed[0]:
        raise ConfigError(f"cannot read --cursor {f'{table}:{text}'!r}: a table has one cursor column")
    return listed[0]


def _read_plan(file: Path) -> PlanFile:
    try:
        return from_text(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read {str(file)!r}: {why}", code="BAD_PLAN") from error


def _planned(context: Context, plan: SyncPlan) -> Answer:
    for warning in plan.warnings:
        context.warn(warning)
    result = {"state": "planned"} | plan.to_dict() | {"totals": plan.totals()}
    return Answer(result=result, render={"text": lambda: plan_text(plan)})


def skipped(context: Context, verify: str, reason: str) -> Answer:
    """The answer of a run that was not to take place."""
    context.notice(reason)
    report = SyncReport(run_id=None, verify=verify, state="skipped")
    return Answer(result=report.to_dict(), render={"text": lambda: "skipped: nothing was done"})


def _reported(context: Context, report: SyncReport) -> Answer:
    for warning in report.warnings:
        context.warn(warning)
    return Answer(
        result=report.to_dict(),
        render={"text": lambda: report_text(report)},
        exit_code=_status(report.error),
        error=report.error,
    )


def _status(error: DbsyncError | None) -> int:
    return error.status if error is not None else 0
