"""What ``dbsync execute`` does: judge the statements, then run them in a read, a write or step by step.

A read is held by the database itself: one statement at a time, in a transaction that is read-only and
never committed, on a connection that is thrown away. Everything else needs ``write``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from dbsync.control import Control
from dbsync.errors import (
    ConfigError,
    ConnectionLost,
    DbsyncError,
    Interrupted,
    Refused,
    StatementCancelled,
    StatementFailed,
    TimeLimit,
)
from dbsync.pg import execute as pg
from dbsync.pg.database import Session
from dbsync.pg.execute import Budget, Outcome
from dbsync.pg.functions import Role, current_role, require_harmless
from dbsync.statement_class import Judged, judge
from dbsync.statements_split import Statement, split_statements

Mode = Literal["read", "write", "dry-run", "stepwise"]
_READ_ONLY = "25006"
_NOT_IN_A_TRANSACTION = "25001"
_LOOK = "look whether the changes are there, and run the command again only if they are not"
_REST = "run only what is left"
_COMMITTING = ("CALL", "DO")  # their code may commit on its own
_FATES = {True: "committed", False: "rolled_back", None: "unknown"}
MOST_BYTES = 64 * 1024 * 1024  # of all answers together: they are held until the end


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteOptions:
    """How to run the statements."""

    write: bool = False
    dry_run: bool = False
    stepwise: bool = False
    max_rows: int | None = 1000
    statement_timeout: float | None = None

    def __post_init__(self) -> None:
        if self.stepwise and not self.write:
            raise ConfigError("--stepwise is for writing", hint="add --write")
        if self.stepwise and self.dry_run:
            raise ConfigError("--stepwise commits each statement, --dry-run none", hint="keep one of them")

    @property
    def mode(self) -> Mode:
        """What becomes of the transaction."""
        if not self.write:
            return "read"
        return "dry-run" if self.dry_run else "stepwise" if self.stepwise else "write"


@dataclass(frozen=True, slots=True)
class Script:
    """The statements of one call, each with what it is."""

    statements: tuple[tuple[Statement, Judged], ...]
    mode: Mode

    def __len__(self) -> int:
        return len(self.statements)


@dataclass(slots=True)
class ExecuteReport:
    """What was run and what became of it; true at any moment, also while it runs."""

    mode: Mode
    statements: int
    outcomes: list[tuple[Statement, Outcome]] = field(default_factory=list)
    committed: bool | None = False  # None: nobody knows whether the one transaction was
    in_doubt: int | None = None  # the statement of which nobody knows whether it was, or how much of it; step by step
    error: DbsyncError | None = None

    def to_dict(self, *, rows: bool = True) -> dict[str, Any]:
        """Return the JSON result; without ``rows`` a short one, for which there is time at the end."""
        outcomes = tuple(self.outcomes)
        committed = bool(outcomes) or (None if self.in_doubt else False) if self.mode == "stepwise" else self.committed
        return {
            "mode": self.mode,
            "committed": committed,
            "total": self.statements,
            "in_doubt": self.in_doubt,
            "statements": [
                {
                    "index": number,
                    "line": statement.line,
                    "command": outcome.tag,
                    "state": "read" if self.mode == "read" else _FATES[committed],
                    "columns": [{"name": name, "type": text} for name, text in outcome.columns],
                    "rows": [list(row) for row in outcome.rows] if rows else [],
                    "row_count": outcome.row_count,
                    "truncated": outcome.truncated or bool(outcome.rows and not rows),
                    "elapsed_s": round(outcome.elapsed_s, 6),
                    "notices": list(outcome.notices),
                }
                for number, (statement, outcome) in enumerate(outcomes, 1)
            ],
        }


def plan_script(text: str, options: ExecuteOptions) -> Script:
    """Split and judge the text; raise Refused for what this call may not do. Nothing is sent anywhere."""
    found = tuple((statement, judge(statement)) for statement in split_statements(text))
    if not found:
        raise ConfigError("there is no SQL statement to run")
    for statement, judged in found:
        if refusal := _refusal(judged, options.mode):
            raise Refused(f"line {statement.line}: {refusal[0]}", hint=refusal[1], code=refusal[2])
    return Script(found, options.mode)


def run_script(
    session: Session,
    script: Script,
    options: ExecuteOptions,
    *,
    control: Control,
    warn: Callable[[str], None],
    begun: Callable[[ExecuteReport], None] = lambda report: None,
) -> ExecuteReport:
    """Run the statements in order until one fails or a stop; the report holds what was answered before.

    ``begun``: is given the report before anything is written, for whoever may have to tell of it in the midst.
    """
    report = ExecuteReport(script.mode, len(script))
    budget = Budget(options.max_rows, MOST_BYTES)
    if script.mode != "read":
        control.aftermath = partial(_stopped_before_commit, report)
        begun(report)
        style = pg.use_settings_of_role(session)
        if not style.startswith("ISO"):
            warn(f"dates are read and printed in the DateStyle of the role or database, which is {style}")
    pg.use_names_of_role(session)
    pg.limit_statements(session, options.statement_timeout)
    if script.mode == "read":
        _run_read(session, script, report, budget, options, control, warn)
        return report
    try:
        _run_write(session, script, report, budget, options, control, warn)
    except (KeyboardInterrupt, Interrupted, TimeLimit):
        if control.reason is None:
            raise
        report.error = control.reason  # what was committed stays: the report of it must not be lost
    return report


def _refusal(judged: Judged, mode: Mode) -> tuple[str, str | None, str] | None:
    """Why a statement may not run in this mode, what to do instead, and a code; None when it may."""
    if judged.kind == "copy-stream":
        return f"{judged.name} needs a client that streams", "use psql, or explore --format csv", "COPY_STREAM"
    if judged.kind == "control" or (judged.kind == "two-phase" and mode != "stepwise"):
        hint = "leave it out: dbsync begins and ends the transaction; --stepwise commits each statement"
        return f"{judged.name} is transaction control", hint, "TRANSACTION_CONTROL"
    if judged.kind == "savepoint" and mode in ("read", "stepwise"):
        return f"{judged.name} is transaction control", "leave it out", "TRANSACTION_CONTROL"
    if mode == "read" and judged.kind == "write":
        return f"{judged.name} is not a read", "add --write to allow it", "WRITE_WITHOUT_WRITE"
    if mode == "read" and judged.lasting is not None:
        return f"{judged.lasting} is not a read", "add --write to allow it", "WRITE_WITHOUT_WRITE"
    if mode == "dry-run" and judged.lasting is not None:
        return f"{judged.lasting} cannot be rolled back", "leave it out of a dry run", "NOT_UNDONE"
    return None


def _run_read(
    session: Session,
    script: Script,
    report: ExecuteReport,
    budget: Budget,
    options: ExecuteOptions,
    control: Control,
    warn: Callable[[str], None],
) -> None:
    pg.begin_read(session)
    role = current_role(session)
    if role.privileged and not session.url.local:
        warn(
            f"the role has special powers ({', '.join(role.powers)}); for reading, a role that has only SELECT is safer"
        )
    for number, (statement, judged) in enumerate(script.statements, 1):
        control.check()
        with _failing(report, number, statement, judged, options):
            _require_read(session, statement, judged, role)
            report.outcomes.append((statement, pg.run_read(session, statement.text, budget)))
        if report.error is not None:
            return


def _require_read(session: Session, statement: Statement, judged: Judged, role: Role) -> None:
    """Let the server judge what the tokens could not."""
    if judged.kind == "unknown":
        require_harmless(session, statement.text, role)
        raise Refused(f"line {statement.line}: {judged.name} is not known to be a read", hint="add --write to allow it")
    if role.privileged and judged.name != "SHOW":
        require_harmless(session, judged.explained or statement.text, role)


def _run_write(
    session: Session,
    script: Script,
    report: ExecuteReport,
    budget: Budget,
    options: ExecuteOptions,
    control: Control,
    warn: Callable[[str], None],
) -> None:
    together = script.mode != "stepwise"
    if script.mode == "dry-run":
        _warn_of_code(script, warn)
    if together:
        session.execute("BEGIN")
    for number, (statement, judged) in enumerate(script.statements, 1):
        control.check()
        if not together:
            control.aftermath = partial(_stopped_at, report, script, number)
            report.in_doubt = number
        with _failing(report, number, statement, judged, options):
            report.outcomes.append((statement, pg.run_write(session, statement.text, budget)))
            report.in_doubt = None
            if together is not pg.in_transaction(session):
                raise StatementFailed("the statement ended or began a transaction", code="TRANSACTION_CONTROL")
        if report.error is not None:
            return
        report.committed = not together
    if script.mode == "write":
        _commit(session, report, control)
    elif together:
        _roll_back(session, report)


def _warn_of_code(script: Script, warn: Callable[[str], None]) -> None:
    """Say where a dry run may leave something behind that the text does not tell."""
    for statement, judged in script.statements:
        if judged.has_code:
            warn(
                f"line {statement.line}: what the code of {judged.name} does outside of the transaction "
                "(files, programs, other databases) is not rolled back"
            )


def _roll_back(session: Session, report: ExecuteReport) -> None:
    """End a dry run; what COMMIT would check first is checked before."""
    try:
        pg.check_constraints(session)
    except DbsyncError as error:
        error.message = f"COMMIT would fail: {error.message}"
        report.error = error
        return  # the connection is thrown away, and maybe lost
    session.execute("ROLLBACK")


def _commit(session: Session, report: ExecuteReport, control: Control) -> None:
    control.check()
    control.aftermath = partial(_stopped_in_commit, report)
    report.committed = None
    if control.reason is not None:  # stopped since the check: it may have been said that nothing was committed
        report.committed = False
        raise control.reason
    try:
        pg.commit(session)
        report.committed = True
    except ConnectionLost as error:
        error.message += "; it is not known whether the server committed"
        error.hint = f"when the server can be reached, {_LOOK}"
        report.error = error
    except DbsyncError as error:
        error.message = f"COMMIT failed, nothing was changed: {error.message}"
        report.error, report.committed = error, False


@contextmanager
def _failing(
    report: ExecuteReport, number: int, statement: Statement, judged: Judged, options: ExecuteOptions
) -> Iterator[None]:
    """Keep a statement's error in the report, with its place and what became of those before it."""
    try:
        yield
    except Refused:
        raise
    except DbsyncError as error:
        if report.mode == "read" and error.sqlstate == _READ_ONLY:
            raise Refused(error.message, sqlstate=_READ_ONLY, hint="add --write to allow it") from error
        if error.hint and "pg_catalog only" in error.hint:
            error.hint = None  # true of dbsync's own statements; the user's have the role's search_path
        if error.sqlstate == _NOT_IN_A_TRANSACTION and report.mode != "stepwise":
            error.hint = "run it with --stepwise, which commits each statement"
        limit = options.statement_timeout
        if limit is not None and isinstance(error, StatementCancelled):
            message = f"it took longer than {limit:g} s (--statement-timeout)"
            error = TimeLimit(message, sqlstate=error.sqlstate, hint="give it more time with --statement-timeout")
        if report.mode == "stepwise":
            error.hint = _hint_of_step(report, number, judged, error)
            if not any(_left_behind(judged, error)):
                report.in_doubt = None
        error.message = _place(report, number, statement) + error.message + _aftermath(report, judged, error)
        report.error = error


def _place(report: ExecuteReport, number: int, statement: Statement) -> str:
    return f"statement {number} of {report.statements} (line {statement.line}): " if report.statements > 1 else ""


def _hint_of_step(report: ExecuteReport, number: int, judged: Judged, error: DbsyncError) -> str | None:
    """What to do after a statement failed: to run the command again would repeat what was committed."""
    if isinstance(error, ConnectionLost):
        return f"when the server can be reached, look what became of statement {number}, then {_REST}"
    if report.outcomes or judged.name in _COMMITTING:
        return f"{f'{error.hint};' if error.hint else 'mend it,'} then {_REST}"
    return error.hint


def _aftermath(report: ExecuteReport, judged: Judged, error: DbsyncError) -> str:
    if report.mode in ("read", "dry-run"):
        return ""
    if report.mode == "write":
        return "; nothing was changed"
    told = [*_committed(report, " before it"), *_left_behind(judged, error)]
    return "; " + "; ".join(told or ["nothing was committed"])


def _committed(report: ExecuteReport, which: str = "") -> Iterator[str]:
    count = len(report.outcomes)
    if count:
        yield f"{count} statement{'s' * (count != 1)}{which} {'were' if count != 1 else 'was'} committed"


def _left_behind(judged: Judged, error: DbsyncError) -> Iterator[str]:
    """What may stay of a statement that failed where it was its own transaction, or several."""
    if isinstance(error, ConnectionLost):
        yield "it is not known whether the server committed it"
    elif judged.name in _COMMITTING:
        yield "what its code committed before stays"
    elif judged.lasting is not None:
        yield f"{judged.lasting} may have left something behind"


def _stopped_before_commit(report: ExecuteReport, reason: DbsyncError) -> None:
    """Let the reason of a stop say that the one transaction is undone, however far it came."""
    if report.error is not None:
        reason.message += f"; {report.error.message}"
        reason.hint = report.error.hint
        return
    count = len(report.outcomes)
    undone = f": what {count} statement{'s' * (count != 1)} did is rolled back" if count else ""
    reason.message += f"; nothing was committed{undone}"


def _stopped_at(report: ExecuteReport, script: Script, number: int, reason: DbsyncError) -> None:
    """Let the reason of a stop say what stays of a call that commits each statement; ``number`` was begun last."""
    statement, judged = script.statements[number - 1]
    if report.error is not None and not isinstance(report.error, ConnectionLost | StatementCancelled):
        failed = report.error.message.removeprefix(_place(report, number, statement))
        reason.message += f"; statement {number} failed: {failed}"
        reason.hint = report.error.hint or f"mend it, then {_REST}"
        return
    told = list(_committed(report))
    reason.hint = _REST if number < report.statements else "everything was done: there is nothing left to run"
    if number > len(report.outcomes):
        told.append(f"it is not known whether the server committed statement {number}")
        told += _left_behind(judged, reason)
        reason.hint = f"look what became of statement {number}, then {_REST}"
    reason.message += "; " + "; ".join(told)


def _stopped_in_commit(report: ExecuteReport, reason: DbsyncError) -> None:
    """Let the reason of a stop say that the one transaction may be committed, or is."""
    if report.committed:
        reason.message += "; the server has committed"
        reason.hint = "everything was done: there is nothing left to run"
    elif report.committed is False:
        _stopped_before_commit(report, reason)
    else:
        reason.message += "; it is not known whether the server committed"
        reason.hint = _LOOK
