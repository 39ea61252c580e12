"""A migration plan as people read it: for a terminal, as Markdown, as GitHub annotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from dbsync.cli.annotations import annotation
from dbsync.cli.render_schema_diff import uncompared_line
from dbsync.cli.tables import markdown_table
from dbsync.cli.terminal import escape
from dbsync.schema.hazards import needs_leave
from dbsync.schema.objects import MEMBERS, RELATIONS, Ref
from dbsync.schema.plan import MigrationPlan, Proof, Statement, Unplanned
from dbsync.schema.plan_sql import lost_by, told_hazards

_MOST_SHOWN = 20


def proved(plan: MigrationPlan) -> bool:
    """Whether nothing is left to be said against the plan: all is planned, and shown to lead where it should."""
    unasked = not plan.statements and plan.proof.state == "not run"
    return not plan.unplanned and (unasked or plan.proof.state == "proved")


def plan_text(plan: MigrationPlan) -> Iterator[str]:
    """Yield one line with the numbers, then statements by object, and what else there is to know."""
    yield summary(plan) + "\n"
    for (_, place), members in groupby(enumerate(plan.statements, 1), key=lambda one: _place(one[1].ref)):
        yield f"\n{escape(place)}\n"
        for number, statement in members:
            yield from _statement_lines(number, statement)
    if plan.unplanned:
        yield "\nnot planned, stays as it is\n"
        yield from (f"  {escape(unplanned_line(one))}\n" for one in plan.unplanned)
    if plan.not_compared:
        yield "\nnot compared\n"
        yield from (f"  {uncompared_line(one)}\n" for one in plan.not_compared)
    if plan.statements:
        yield f"\nproof: {escape(proof_line(plan.proof))}\n"
        yield from _differences(plan.proof)
        yield f"undo: {escape(_undo_line(plan))}\n"


def summary(plan: MigrationPlan) -> str:
    """``+3 ~5 -1 · 2 need a look · proved``."""
    if not plan.statements:
        if plan.unplanned:
            return f"nothing that can be planned · {_look(len(plan.unplanned))}"
        if plan.proof.state == "differs":
            return f"nothing that can be planned · {_STATES[plan.proof.state]}"
        return f"nothing to do: {'nothing that was compared differs' if plan.not_compared else _SAME}"
    parts = [counts(plan.statements)]
    if looks := sum(any(map(needs_leave, one.hazards)) for one in plan.statements) + len(plan.unplanned):
        parts.append(_look(looks))
    return " · ".join([*parts, _STATES[plan.proof.state]])


def counts(statements: Sequence[Statement]) -> str:
    """Objects made, changed, dropped: ``+3 ~5 -1``. One that is dropped and made again is changed."""
    actions: dict[Ref, set[str]] = {}
    for number, one in enumerate(statements):
        # Another engine does not say which object a statement is about.
        ref = one.ref._replace(sub=str(number)) if one.ref.kind == "statement" else one.ref
        actions.setdefault(ref, set()).add(one.action)
    # A new object's owner, comment and the like are alterations that come with it.
    made = sum("create" in found and "drop" not in found for found in actions.values())
    dropped = sum("drop" in found and "create" not in found for found in actions.values())
    return f"+{made} ~{len(actions) - made - dropped} -{dropped}"


def proof_line(proof: Proof) -> str:
    """What became of the plan on a shadow, in words."""
    version = f" on Postgres {proof.server_version}" if proof.server_version else ""
    if proof.state == "proved":
        return f"proved{version} by {' and '.join(proof.judges)}"
    if proof.state == "failed":
        return f"statement {proof.failed_at} failed{version}: {proof.reason}"
    if proof.state == "differs":
        return f"NOT proved: run{version}, it does not lead to the wanted schema"
    return f"not run: {proof.reason}" if proof.reason else "not run"


def unplanned_line(one: Unplanned) -> str:
    """A difference that stays, with the reason, in one line."""
    parts = f" ({', '.join(one.parts)})" if one.parts else ""
    return " ".join(f"{one.ref}{parts}: {one.reason}".split())


def plan_markdown(plan: MigrationPlan) -> Iterator[str]:
    """Yield a paragraph with the numbers, the statements as SQL, and tables of what to look at."""
    yield f"**{summary(plan)}**\n"
    if plan.statements:
        sql = [f"-- {number}\n{one.sql};\n" for number, one in enumerate(plan.statements, 1)]
        fence = "`" * max(3, 1 + max(_longest_ticks(text) for text in sql))
        yield f"\n{fence}sql\n"
        yield from (escape(text, keep="\n\t") for text in sql)
        yield f"{fence}\n"
        hazards = [
            (str(number), escape(str(one.ref)), escape(hazard.message), _leave(hazard.type, asked=needs_leave(hazard)))
            for number, one in enumerate(plan.statements, 1)
            for hazard in told_hazards(one)
        ]
        if hazards:
            yield "\n"
            yield from markdown_table(("statement", "object", "what it does", "needs"), hazards, right=(0,))
    if plan.unplanned:
        yield "\n"
        rows = [(escape(str(one.ref)), ", ".join(one.parts), escape(one.reason)) for one in plan.unplanned]
        yield from markdown_table(("not planned", "parts", "reason"), rows)
    if plan.not_compared:
        yield "\n"
        others = [(one.kind, str(one.count), escape(one.reason)) for one in plan.not_compared]
        yield from markdown_table(("not compared", "count", "reason"), others, right=(1,))
    if plan.statements:
        yield f"\nProof: {escape(proof_line(plan.proof))}\n"
        yield from (f"- {line.strip()}\n" for line in _differences(plan.proof))
        yield f"\nUndo: {escape(_undo_line(plan))}\n"


def plan_github(plan: MigrationPlan) -> Iterator[str]:
    """Yield an annotation for what is unplanned or unproved, for each hazard that needs leave, and the summary."""
    for unplanned in plan.unplanned:
        yield annotation("error", unplanned_line(unplanned), title="not planned")
    for other in plan.not_compared:
        yield annotation("warning", uncompared_line(other), title="not compared")
    if plan.statements and plan.proof.state != "proved":
        lines = [proof_line(plan.proof), *plan.proof.differences]
        yield annotation("error", "\n".join(lines), title="not proved")
    for number, one in enumerate(plan.statements, 1):
        asked = [f"{hazard.type}: {hazard.message}" for hazard in one.hazards if needs_leave(hazard)]
        if asked:
            yield annotation("warning", "\n".join([*asked, one.sql]), title=f"statement {number}: {one.ref}")
    yield annotation("notice", summary(plan), title="dbsync migrate plan")


_SAME = "the schemas are the same"
_STATES = {
    "proved": "proved",
    "differs": "NOT proved",
    "failed": "FAILED on the shadow",
    "not run": "not proved",
}


def _look(number: int) -> str:
    return f"{number} {'needs' if number == 1 else 'need'} a look"


def _place(ref: Ref) -> tuple[bool, str]:
    """Tables are named with all that belongs to them; what stands alone, by itself."""
    within = ref.kind in MEMBERS or ref.kind in RELATIONS
    return within, f"{ref.schema}.{ref.name}" if within else str(ref)


def _statement_lines(number: int, statement: Statement) -> Iterator[str]:
    first, *rest = escape(statement.sql, keep="\n\t").split("\n")
    yield f"{number:>4}  {first}\n"
    yield from (f"      {line}\n" for line in rest)
    for hazard in told_hazards(statement):
        asked = needs_leave(hazard)
        leave = f" ({_leave(hazard.type, asked=asked)})" if asked else ""
        yield f"      {'!' if asked else '·'} {escape(hazard.message)}{leave}\n"


def _leave(kind: str, *, asked: bool) -> str:
    return f"--allow-hazard {kind}" if asked else ""


def _differences(proof: Proof) -> Iterator[str]:
    yield from (f"  {escape(one)}\n" for one in proof.differences[:_MOST_SHOWN])
    if len(proof.differences) > _MOST_SHOWN:
        yield f"  and {len(proof.differences) - _MOST_SHOWN} more\n"


def _undo_line(plan: MigrationPlan) -> str:
    if not plan.undo:
        return "not planned"
    number = len(plan.undo)
    said = f"{number} statement{'s' * (number != 1)}, {proof_line(plan.undo_proof)}"
    lost = lost_by(plan)
    return f"{said}; structure only: {', '.join(lost)} are gone" if lost else said


def _longest_ticks(text: str) -> int:
    return max(map(len, "".join(one if one == "`" else " " for one in text).split()), default=0)
