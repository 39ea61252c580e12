"""``dbsync doctor [DB...]``: this machine, or what runs that died left behind in databases; ``--fix`` cleans up.

One line and one fix for each thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context, end_of
from dbsync.cli.doctor_machine import MachineCheck, examine_machine
from dbsync.cli.output import Answer
from dbsync.cli.terminal import escape
from dbsync.guards import require_consent
from dbsync.pg.leftovers import Findings, Leftover, leftovers, try_clean


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patient:
    """One database: what was found there, and what is still there after ``--fix``."""

    name: str
    found: Findings
    left: tuple[Leftover, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "running": self.found.running,
            "findings": [each.to_dict() | {"fixed": each not in self.left} for each in self.found.leftovers],
        }


@command("doctor", report=True)
def doctor(
    context: Context,
    databases: Annotated[
        list[str] | None,
        typer.Argument(metavar="DB...", help="Databases; without one, this machine.", show_default=False),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Clean up what can be cleaned up.")] = False,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="Type the name of a protected database.")
    ] = None,
) -> Answer:
    """Look for what dead runs left in databases: locks, sessions, slots, staging tables, runs without an end.

    Without a database: versions, extras, server programs, embedded servers, config file and store of this machine.
    """
    if fix:
        context.audited("doctor.fix")
    checks = examine_machine(context, fix=fix) if not databases else []
    patients = [_examine(context, name, fix=fix, confirm=confirm) for name in databases or ()]
    lines = [*map(_check_line, checks), *(line for patient in patients for line in _lines(patient))]
    return Answer(
        result={
            "checks": [check.to_dict() for check in checks],
            "databases": [patient.to_dict() for patient in patients],
        },
        render={"text": lambda: lines},
        exit_code=0 if all(check.ok for check in checks) and not any(patient.left for patient in patients) else 1,
    )


def _check_line(check: MachineCheck) -> str:
    mark = "fixed" if check.fixed else "ok   " if check.ok else "NOT  "
    fix = f"\n                 fix: {escape(check.fix)}" if check.fix and not check.fixed else ""
    return f"{mark}  {check.area:8}  {escape(check.message)}{fix}\n"


def _examine(context: Context, text: str, *, fix: bool, confirm: str | None) -> _Patient:
    database = context.database(text, read_only=not fix)
    with context.session(database) as session:
        context.describe(source=end_of(session))
        found = leftovers(session)
        if found.hidden is not None:
            context.warn(
                f"what runs noted in {database.url.name} was not looked into: {found.hidden}; only that role sees "
                "which of them are dead"
            )
        patient = _Patient(name=database.url.name, found=found, left=found.leftovers)
        mendable = sum(each.mended for each in found.leftovers)
        if not fix or not mendable:
            return patient
        question = f"Clean up {mendable} leftovers in {database.url.name}?"
        ask = (lambda: context.confirm(question)) if context.can_ask else None
        require_consent(database.url, yes=context.options.yes, confirm=confirm, ask=ask)
        failure = try_clean(session)
        if failure is not None:
            context.warn(f"{database.url.name} could not be cleaned up to the end: {failure}")
        return replace(patient, left=leftovers(session).leftovers)


def _lines(patient: _Patient) -> Iterator[str]:
    count = len(patient.left)
    nothing = "nothing is left of dead runs" + ", as far as this role sees" * (patient.found.hidden is not None)
    verdict = f"{count} leftover{'s' * (count != 1)}" if count else nothing
    yield f"{escape(patient.name)}: {verdict}\n"
    if patient.found.running is not None:
        yield f"  a run is going on: {escape(patient.found.running)}\n"
    for each in patient.found.leftovers:
        fixed = each not in patient.left
        yield f"  {'fixed' if fixed else 'LEFT '}  {each.kind:8} {escape(each.message)}\n"
        if not fixed:
            also = " (or --fix)" if each.mended and "--fix" not in each.fix else ""
            yield f"         fix: {escape(each.fix)}{also}\n"
