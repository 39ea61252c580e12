"""The errors a user can meet: one tree, each with an exit code, a stable code word and a hint.

The docstring of a class is its default message. Messages never hold a secret: driver errors are
rebuilt (see ``dbsync.pg.database``), never echoed.

    DbsyncError                 exit 6
    ├─ ConfigError              exit 2   bad file, flag combination, unknown name or table
    ├─ ConnectionFailed         exit 3   with the phase: resolve, tcp, tls, auth, database
    ├─ Refused                  exit 4   a guard said no; nothing was changed
    │  ├─ ConsentMissing
    │  ├─ ProtectedTarget
    │  ├─ SameDatabase
    │  ├─ SchemaMismatch
    │  ├─ Drift
    │  └─ StalePlan
    ├─ TargetBusy               exit 5   another run holds the target
    │  └─ LedgerHeld                     by what an earlier one left
    ├─ Fenced                   exit 5   a later run has taken over
    ├─ StatementFailed          exit 6   with SQLSTATE
    │  ├─ StatementCancelled
    │  └─ ConnectionLost
    ├─ TableFailed              exit 6
    ├─ Mismatch                 exit 1   the check after a copy found a difference
    ├─ JobError                 exit 6
    │  ├─ JobNotFound           exit 2
    │  ├─ InvalidTransition     exit 4
    │  └─ JobBusy               exit 5   somebody else runs it
    ├─ TimeLimit                exit 7
    └─ Interrupted              exit 130 / 143
       ├─ Paused                exit 6   by an order, not by a signal
       └─ Stopped               exit 6
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DbsyncError(Exception):
    """The command failed."""

    exit_code: ClassVar[int] = 6
    code: str = "FAILED"
    advice: ClassVar[str] = "docs/errors.md says what each code means"

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        code: str | None = None,
        sqlstate: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint
        self.sqlstate = sqlstate
        self.details = dict(details or {})
        if code is not None:
            self.code = code
        super().__init__(self.message)

    @property
    def what_to_do(self) -> str:
        """The hint; where there is none, what helps with every error of the kind."""
        return self.hint or self.advice

    @property
    def status(self) -> int:
        """The exit status of a process that ends with it."""
        return self.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Return the ``error`` member of the JSON envelope."""
        return {
            "code": self.code,
            "sqlstate": self.sqlstate,
            "message": self.message,
            "hint": self.what_to_do,
            "details": self.details,
        }


class ConfigError(DbsyncError):
    """The command or its configuration cannot be understood."""

    exit_code = 2
    code = "CONFIG"
    advice = "the command with --help lists what it takes"


class ConnectionFailed(DbsyncError):
    """The database cannot be reached."""

    exit_code = 3
    code = "CONNECT"
    advice = "dbsync test DB looks at each phase of connecting, with a fix for what fails"

    def __init__(self, message: str | None = None, *, phase: str = "connect", **facts: Any) -> None:
        super().__init__(message, **facts)
        self.phase = phase
        self.code = f"CONNECT_{phase.upper()}" if phase != "connect" else "CONNECT"
        self.details.setdefault("phase", phase)

    def locate(self, end: str) -> None:
        """Say at which of two ends it was: ``source`` or ``target``."""
        self.message = f"{end}: {self.message}"
        self.args = (self.message,)
        self.details["end"] = end


class Refused(DbsyncError):
    """A guard refused to go on; nothing was changed."""

    exit_code = 4
    code = "REFUSED"
    advice = "docs/errors.md says what each code asks for"


class ConsentMissing(Refused):
    """Writing needs consent."""

    code = "CONSENT_MISSING"
    advice = "answer yes, or give --yes"


class ProtectedTarget(Refused):
    """The target is protected."""

    code = "PROTECTED_TARGET"
    advice = "give --confirm NAME if that is what you want"


class SameDatabase(Refused):
    """Source and target are the same database."""

    code = "SAME_DATABASE"
    advice = "check both URLs: one of them is not what you mean"


class SchemaMismatch(Refused):
    """Source and target cannot be synchronised as they are."""

    code = "SCHEMA_MISMATCH"


class Drift(Refused):
    """The database changed since the plan was made."""

    code = "DRIFT"
    advice = "run the command again, when nobody changes the schema or the rows"


class StalePlan(Refused):
    """The plan was made for something else."""

    code = "STALE_PLAN"
    advice = "make the plan again"


class TargetBusy(DbsyncError):
    """Another run holds the target."""

    exit_code = 5
    code = "TARGET_BUSY"
    advice = "wait until the other run is over, or give --on-locked wait"


class LedgerHeld(TargetBusy):
    """An earlier run that works no more stands in the middle of a commit and holds the ledger: nobody is at work."""

    code = "LEDGER_HELD"
    advice = "end its session, which dbsync doctor names, or run again when it is gone"


class Fenced(DbsyncError):
    """A later run has taken over the target: this one may write no more."""

    exit_code = 5
    code = "FENCED"
    advice = "let the later run end, then run the command again"


class StatementFailed(DbsyncError):
    """The database refused a statement."""

    code = "STATEMENT_FAILED"
    advice = "the reason is the server's: mend what it names, then run the command again"


class StatementCancelled(StatementFailed):
    """A statement was cancelled."""

    code = "STATEMENT_CANCELLED"
    advice = "run the command again, with more time"


class ConnectionLost(StatementFailed):
    """The connection to the database was lost."""

    code = "CONNECTION_LOST"
    advice = "run the command again when the server can be reached"


class AnswerDamaged(StatementFailed):
    """What a server sent cannot be read: bytes were changed on the way."""

    code = "ANSWER_DAMAGED"
    advice = "use sslmode=require or stricter, which notices such damage, and run the command again"


class TableFailed(DbsyncError):
    """A table could not be synchronised."""

    code = "TABLE_FAILED"


class Mismatch(DbsyncError):
    """The check found that source and target differ."""

    exit_code = 1
    code = "VERIFY_MISMATCH"
    advice = "docs/how-to/after-a-failure.md lists what may be the cause"


class TimeLimit(DbsyncError):
    """The time limit was reached."""

    exit_code = 7
    code = "TIME_LIMIT"
    advice = "give it more time with --timeout"


class Interrupted(DbsyncError):
    """Interrupted."""

    exit_code = 130
    code = "INTERRUPTED"
    advice = "run the command again: what was not committed is undone"

    def __init__(self, message: str | None = None, *, signal_number: int = 2, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.signal_number = signal_number

    @property
    def status(self) -> int:
        """The exit status: 130 for SIGINT, 143 for SIGTERM and SIGHUP."""
        return 130 if self.signal_number == 2 else 143


class Paused(Interrupted):
    """The job was paused."""

    exit_code = 6
    code = "PAUSED"
    advice = "dbsync jobs resume goes on with it"

    @property
    def status(self) -> int:
        """The exit status: an order ended the run, not a signal."""
        return self.exit_code


class Stopped(Paused):
    """The job was stopped."""

    code = "STOPPED"
    advice = "dbsync jobs retry goes on with it"


class JobError(DbsyncError):
    """Something is wrong with a job."""

    code = "JOB_FAILED"
    advice = "dbsync jobs logs says what happened, dbsync jobs retry goes on with it"


class JobNotFound(JobError):
    """There is no such job."""

    exit_code = 2
    code = "NO_SUCH_JOB"
    advice = "dbsync jobs list shows them"


class InvalidTransition(JobError):
    """The job is in a state that does not allow that."""

    exit_code = 4
    code = "JOB_STATE"

    def __init__(self, now: str, to: str, allowed: Sequence[str]) -> None:
        super().__init__(
            f"a job that is {now} cannot become {to}",
            hint=f"from here it can become {', '.join(allowed)}" if allowed else "it has come to its end",
            details={"from": str(now), "to": str(to), "allowed": [str(state) for state in allowed]},
        )


class JobBusy(JobError):
    """Somebody else runs the job."""

    exit_code = 5
    code = "JOB_BUSY"
    advice = "dbsync jobs watch follows it"


class InternalFault(DbsyncError):
    """Internal fault."""

    exit_code = 70
    code = "INTERNAL"
    advice = "this is a bug in dbsync; run it again with -vv and report what it prints"

    @classmethod
    def of(cls, error: BaseException) -> InternalFault:
        """Name the type and the place of an error that nobody foresaw; its text might hold a secret."""
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        place = f" at {frame[0].filename.rpartition('/')[2]}:{frame[0].lineno}" if frame else ""
        return cls(f"internal fault: {type(error).__name__}{place}")
