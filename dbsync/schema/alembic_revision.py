"""PURE: a migration plan as an Alembic revision: one ``op.execute`` for each statement, and its undo as downgrade.

The revision needs Alembic alone. Statements are handed over so that colons and percent signs stay what they are.
Timeouts and the search path are those of the project's env.py.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Sequence

from dbsync.schema.objects import ROUTINES
from dbsync.schema.plan import MigrationPlan, Proof, Statement
from dbsync.schema.plan_sql import hazard_lines, lost_by

_HEAD = '''\
"""{message}

Revision ID: {revision}
Revises: {revises}
Create Date: {created_at}

{written_by}
"""

from alembic import op
import sqlalchemy as sa

revision = {revision_value}
down_revision = {down_revision}
branch_labels = None
depends_on = None


def run(statement):
    """Run a statement as it stands: a colon in it names no parameter."""
    op.execute(sa.text(statement.replace(":", "\\\\:")))

'''
_LOST = """\
# What the upgrade destroyed stays gone; True lets the downgrade bring back the structure alone.
STRUCTURE_ONLY = False

"""
_REFUSE = """\
    if not STRUCTURE_ONLY:
        raise RuntimeError({said})
"""


def revision_text(
    plan: MigrationPlan, *, message: str, revision: str, down_revision: str | None, created_at: str
) -> str:
    """Return the revision's file."""
    return "".join(_pieces(plan, message, revision, down_revision, created_at))


def _pieces(
    plan: MigrationPlan, message: str, revision: str, down_revision: str | None, created_at: str
) -> Iterator[str]:
    lost = lost_by(plan)
    yield _HEAD.format(
        message=_doc(message),
        revision=revision,
        revises=down_revision or "",
        created_at=created_at,
        written_by=_doc(f"Written by dbsync: {_proof(plan.proof)} Downgrade: {_proof(plan.undo_proof)}"),
        revision_value=repr(revision),
        down_revision=repr(down_revision),
    )
    if lost:
        yield _LOST
    yield "\ndef upgrade():\n"
    for one in plan.unplanned:
        yield f"    # NOT PLANNED: {_comment(f'{one.ref}: {one.reason}')}\n"
    yield from _body(plan.statements)
    yield "\n\ndef downgrade():\n"
    if plan.statements and not plan.undo:
        yield '    raise NotImplementedError("there is no plan for the way back")\n'
        return
    if lost:
        yield "".join(f"    # structure only: {_comment(one)} are gone\n" for one in lost)
        yield _REFUSE.format(said=_string(f"these are gone and stay so: {', '.join(lost)}; see STRUCTURE_ONLY"))
    yield from _body(plan.undo)


def _body(statements: Sequence[Statement]) -> Iterator[str]:
    if not statements:
        yield "    pass\n"
    for transactional, members in itertools.groupby(statements, key=lambda one: one.transactional):
        group = list(members)
        if transactional:
            if any(one.ref.kind in ROUTINES and one.action != "drop" for one in group):
                # A body may name what is made later.
                yield '    run("SET LOCAL check_function_bodies = off")\n'
            yield from (line for one in group for line in _call(one, "    "))
        else:
            yield "    with op.get_context().autocommit_block():\n"
            yield from (line for one in group for line in _call(one, "        "))


def _call(one: Statement, indent: str) -> Iterator[str]:
    yield from (f"{indent}# {_comment(line)}\n" for line in hazard_lines(one))
    yield f"{indent}run({_string(one.sql)})\n"


def _string(text: str) -> str:
    """Return a Python literal, in its own lines where that is harmless."""
    plain = all(one == "\n" or unicodedata.category(one)[0] not in "CZ" or one == " " for one in text)
    if plain and "\n" in text and "\\" not in text and '"""' not in text and not text.endswith('"'):
        return f'"""{text}"""'
    return ascii(text) if not plain else repr(text)


def _doc(text: str) -> str:
    return _comment(text).replace("\\", "\\\\").replace('"', '\\"')


def _proof(proof: Proof) -> str:
    if proof.state == "proved":
        return f"proved on Postgres {proof.server_version}."
    return f"not proved ({proof.state})."


def _comment(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
