"""What keeps a plan from being run on its target. It is asked before the first change, and each answer is a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dbsync.errors import ConsentMissing, Refused, StatementFailed
from dbsync.pg import ledger, migrations
from dbsync.pg.database import Session
from dbsync.schema.hazards import needs_leave
from dbsync.schema.plan import Proof, Statement

# What a check asks about is made by the plan itself: a table, a column, a function, a type, a schema, a label.
_GONE = ("42P01", "42703", "42883", "42704", "3F000", "22P02")
_NOT_POPULATED = "55000"  # a materialised view without rows: none is in the way


def refuse_unproved(proof: Proof) -> None:
    """Raise Refused unless the plan was proved."""
    if proof.state == "proved":
        return
    said = {
        "not run": f"was not proved: {proof.reason or 'no proof was run'}",
        "failed": f"failed at statement {proof.failed_at} when it was tried: {proof.reason}",
        "differs": f"does not lead to the wanted schema: {'; '.join(proof.differences[:3])}",
    }[proof.state]
    raise Refused(f"the plan {said}", code="UNPROVED", hint="add --unproved to run it all the same")


def refuse_hazards(statements: Sequence[Statement], allowed: frozenset[str]) -> None:
    """Raise ConsentMissing for hazards that need leave and have none."""
    asked: dict[str, str] = {}
    for statement in statements:
        for hazard in statement.hazards:
            if needs_leave(hazard) and hazard.type not in allowed:
                asked.setdefault(hazard.type, hazard.message)
    if asked:
        kinds = " ".join(f"--allow-hazard {kind}" for kind in sorted(asked))
        raise ConsentMissing(
            f"the plan does what nobody allowed: {'; '.join(asked[kind] for kind in sorted(asked))}",
            code="HAZARD",
            hint=f"if that is meant, add {kinds}",
            details={"hazards": sorted(asked)},
        )


def refuse_rows(session: Session, statements: Sequence[Statement]) -> list[str]:
    """Raise Refused where rows do not fit; return what cannot be asked yet: the plan itself makes what it is about."""
    found, not_asked = [], []
    for statement in statements:
        for check in statement.checks:
            try:
                with session.transaction():
                    number = migrations.count(session, check.sql)
            except StatementFailed as error:
                if error.sqlstate == _NOT_POPULATED:
                    continue
                if error.sqlstate not in _GONE:
                    raise
                not_asked.append(check.message.replace("{} ", "", 1))
                continue
            if number:
                found.append(check.message.replace("{}", str(number), 1))
    if found:
        raise Refused(
            f"rows are in the way: {'; '.join(found)}",
            code="DATA_IN_THE_WAY",
            hint="correct these rows first; nothing was changed",
        )
    return not_asked


def require_ledger(session: Session, statements: Sequence[Statement], warn: Callable[[str], None]) -> None:
    """Warn where no ledger can be kept, and raise Refused there as ``go_without_ledger`` does."""
    ledger.find_ledger(session)
    if (obstacle := ledger.obstacle(session)) is not None:
        go_without_ledger(statements, obstacle, warn)


def go_without_ledger(statements: Sequence[Statement], obstacle: str, warn: Callable[[str], None]) -> None:
    """Warn of what a ledger would be missed for; raise Refused for more than one transaction.

    Nobody could go on with these after a crash.
    """
    atomic = len({s.group for s in statements}) == 1 and all(s.transactional for s in statements)
    if not atomic:
        raise Refused(
            f"the plan needs more than one transaction, and none could be taken up without a ledger: {obstacle}",
            code="NO_LEDGER",
            hint="let the role have a schema dbsync in the target",
        )
    warn(f"no ledger is kept in the target, so migrate status and history will not tell of this: {obstacle}")
