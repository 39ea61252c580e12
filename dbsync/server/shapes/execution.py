"""SQL of a caller: held to reading unless server, connection and token allow writes; told statement by statement."""

from __future__ import annotations

from dataclasses import dataclass

from dbsync.control import Control
from dbsync.errors import DbsyncError, Refused
from dbsync.execute import ExecuteOptions, ExecuteReport, Script, plan_script, run_script
from dbsync.server.auth import Caller
from dbsync.server.core import Core
from dbsync.server.faults import Fault
from dbsync.server.places import Place
from dbsync.server.shapes.values import json_rows
from dbsync.server.wire.asked import Statements
from dbsync.server.wire.databases import Execution, StatementOutcome
from dbsync.server.wire.envelope import Reply, ok
from dbsync.statements_split import split_statements

_STATEMENT_S = 30.0
_MOST_ROWS = 1000
_SHOWN = 80
_NEEDS_WRITE = "WRITE_WITHOUT_WRITE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Statements that were judged: what runs, or why nothing does."""

    statements: list[str]
    options: ExecuteOptions | None = None
    script: Script | None = None
    refusal: Refused | None = None

    @property
    def changes(self) -> bool:
        """Whether it may change something: a dry run as well, whose functions may do what no rollback takes back."""
        return self.options is not None and self.options.write

    @property
    def action(self) -> str:
        """What it is called in the audit log."""
        return "execute.dry-run" if self.options is not None and self.options.mode == "dry-run" else "execute"


def judged(core: Core, caller: Caller, place: Place, asked: Statements) -> Order:
    """Judge the statements: as a read, else as a write where that is allowed. Raises Fault 403 and 400."""
    if core.settings.execute == "off":
        raise Fault(403, "Running SQL is switched off on this server (DBSYNC_EXECUTE)")
    statements = [statement.text for statement in split_statements(asked.sql)]
    if not statements:
        raise Fault(400, "SQL query is required")
    try:
        script, options = _planned(core, caller, place, asked)
    except Refused as refusal:
        return Order(statements=statements, refusal=refusal)
    return Order(statements=statements, script=script, options=options)


def run_order(core: Core, place: Place, order: Order) -> Reply[Execution]:
    """Run what was judged. A refused or failed statement is told in the reply."""
    if order.script is None or order.options is None:
        return _told(order.statements, None, order.refusal, [])
    warnings: list[str] = []
    with core.places.session(place, read_only=not order.options.write) as session:
        try:
            report = run_script(session, order.script, order.options, control=Control(), warn=warnings.append)
        except Refused as refused:
            return _told(order.statements, None, refused, warnings)
    return _told(order.statements, report, report.error, warnings)


def _planned(core: Core, caller: Caller, place: Place, asked: Statements) -> tuple[Script, ExecuteOptions]:
    """The script as a read, else as a write where that is allowed. Raises Refused, Fault."""
    most = min(asked.max_rows or _MOST_ROWS, _MOST_ROWS)
    reading = ExecuteOptions(max_rows=most, statement_timeout=_STATEMENT_S)
    try:
        return plan_script(asked.sql, reading), reading
    except Refused as refusal:
        if refusal.code not in (_NEEDS_WRITE, "TRANSACTION_CONTROL") or not may_write(core, caller, place):
            refusal.hint = None
            raise
    writing = ExecuteOptions(
        write=True,
        dry_run=asked.dry_run,
        stepwise=asked.stepwise and not asked.dry_run,
        max_rows=most,
        statement_timeout=_STATEMENT_S,
    )
    return plan_script(asked.sql, writing), writing


def may_write(core: Core, caller: Caller, place: Place) -> bool:
    """Whether the server, the caller's token and the connection all allow writes."""
    return core.settings.execute == "write" and caller.may("write") and not place.url.read_only


def require_phrase(place: Place, phrase: str | None) -> None:
    """Raise Fault 400 unless writing to a protected or production database was confirmed by its name."""
    if place.url.needs_confirmation and phrase != place.name:
        said = f"{place.name} is a production database: confirm by its name in confirmationPhrase"
        raise Fault(400, said, requiresConfirmation=True, message=said)


def confirmed_as(place: Place, phrase: str | None) -> str | None:
    """The phrase as a job's consent: a database that has its guards by its place is confirmed by the guard's name."""
    return place.url.confirmation if phrase == place.name else phrase


def _told(
    statements: list[str], report: ExecuteReport | None, error: DbsyncError | None, warnings: list[str]
) -> Reply[Execution]:
    done = report.outcomes if report is not None else []
    undone = report is not None and report.mode == "write" and not report.committed
    why = "nobody knows whether it was committed" if _unknown(report) else "taken back: a later statement failed"
    results = [
        StatementOutcome(
            statement=_cut(statement.text),
            success=not undone,
            rows_affected=outcome.row_count,
            **({"error": why} if undone else {}),
        )
        for statement, outcome in done
    ]
    for number, text in enumerate(statements[len(done) :]):
        failed = error is not None and (report is None or number == 0)
        said = error.message if error is not None and failed else "not run"
        results.append(StatementOutcome(statement=_cut(text), success=False, error=said))
    successful = sum(result.success for result in results)
    last = next((outcome for _, outcome in reversed(done) if outcome.columns), None)
    failure = {"error": error.message} if error is not None else {}
    return ok(
        Execution(
            rows=json_rows(last.columns, last.rows) if last is not None else [],
            row_count=last.row_count if last is not None else done[-1][1].row_count if done else 0,
            columns=[{"name": name, "type": type_} for name, type_ in last.columns] if last is not None else [],
            truncated=any(outcome.truncated for _, outcome in done),
            total_statements=len(results),
            successful_statements=successful,
            failed_statements=len(results) - successful,
            results=results,
            committed=report is not None and report.committed is True,
            warnings=warnings,
            message=_message(report, successful, len(results)),
        ),
        success=error is None,
        **failure,
    )


def _message(report: ExecuteReport | None, successful: int, total: int) -> str:
    said = f"{successful} of {total} statements succeeded"
    if report is not None and report.mode == "dry-run" and report.error is None:
        return f"{said}; dry run: everything was rolled back"
    if report is None or report.mode == "read" or report.committed:
        return said
    return f"{said}; {'it is not known whether the server committed' if _unknown(report) else 'nothing was changed'}"


def _unknown(report: ExecuteReport | None) -> bool:
    return report is not None and report.committed is None


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
