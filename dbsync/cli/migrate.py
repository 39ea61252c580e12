"""``dbsync migrate``: plan, prove, apply and undo what makes TARGET's schema like SOURCE's."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dbsync import __version__
from dbsync.cli.command import command, group
from dbsync.cli.context import Context
from dbsync.cli.migrate_history import history, status
from dbsync.cli.migrate_options import (
    Engine,
    NoProof,
    Online,
    OtherTarget,
    PlanArgument,
    Renames,
    Shadow,
    SourceArgument,
    TargetArgument,
    Unproved,
    plan_now,
    plan_of,
    planning_options,
    reached,
    read_only,
    shadow_of,
    target_of,
    without_password,
)
from dbsync.cli.migrate_run import apply, rollback
from dbsync.cli.output import Answer, write_file
from dbsync.cli.render_plan import plan_github, plan_markdown, plan_text, proof_line, proved, summary
from dbsync.cli.selection_options import Exclude, Ignore, Schemas, Tables
from dbsync.cli.terminal import escape
from dbsync.errors import Refused
from dbsync.schema.plan import MigrationPlan, Proof
from dbsync.schema.plan_file import to_document, to_text
from dbsync.schema.plan_sql import plan_sql


@command("plan", formats=("text", "json", "sql", "md", "github"), two_ended=True, graceful=True)
def plan(
    context: Context,
    source: SourceArgument,
    target: TargetArgument,
    tables: Tables = None,
    exclude: Exclude = None,
    schemas: Schemas = None,
    ignore: Ignore = None,
    renames: Renames = None,
    online: Online = False,
    shadow: Shadow = None,
    no_proof: NoProof = False,
    engine: Engine = "own",
) -> Answer:
    """Plan what makes TARGET's schema like SOURCE's, and prove it on a throw-away copy; TARGET is only read.

    -o plan.json writes the plan itself, for migrate apply; -o plan.sql a script for psql. Exit 0: nothing to do, or
    all of it is planned and proved; 1: something is not.
    """
    options = planning_options(
        context, tables=tables, exclude=exclude, schemas=schemas, ignore=ignore, renames=renames, online=online,
        shadow=shadow, no_proof=no_proof, engine=engine,
    )  # fmt: skip
    made = plan_now(context, source, target, options)
    _warn(context, made)
    when = _when()
    return Answer(
        result=to_document(made, created_at=when, dbsync_version=__version__),
        render={
            "text": lambda: plan_text(made),
            "sql": lambda: plan_sql(made),
            "md": lambda: plan_markdown(made),
            "github": lambda: plan_github(made),
        },
        by_suffix={
            ".json": lambda: to_text(made, created_at=when, dbsync_version=__version__),
            ".sql": lambda: plan_sql(made),
            ".md": lambda: plan_markdown(made),
        },
        exit_code=0 if proved(made) else 1,
        not_compared=[asdict(one) for one in made.not_compared],
    )


@command("verify", two_ended=True, graceful=True)
def verify(context: Context, file: PlanArgument, target: OtherTarget = None, shadow: Shadow = None) -> Answer:
    """Prove a plan once more, on a new throw-away copy of its target as it is now. Exit 0: proved."""
    from dbsync.migration import verify_plan

    planned = plan_of(context, file)
    place = read_only(target_of(context, planned, target))
    with without_password(target):
        proof = verify_plan(
            planned, place, shadow=shadow_of(context, shadow), control=context.control, warn=context.warn,
            opened=reached(context, planned),
        )  # fmt: skip
    return Answer(
        result={"proof": asdict(proof)},
        render={"text": lambda: _proof_text(proof)},
        exit_code=0 if proof.state == "proved" else 1,
    )


@command("revision", two_ended=True, graceful=True)
def revision(
    context: Context,
    source: SourceArgument,
    target: TargetArgument,
    message: Annotated[str, typer.Option("--message", "-m", metavar="MESSAGE", help="What the revision does.")],
    directory: Annotated[
        Path,
        typer.Option(
            "--directory",
            metavar="DIR",
            help="The Alembic project (alembic.ini, or versions), or its versions.",
        ),
    ],
    tables: Tables = None,
    exclude: Exclude = None,
    schemas: Schemas = None,
    ignore: Ignore = None,
    renames: Renames = None,
    online: Online = False,
    shadow: Shadow = None,
    no_proof: NoProof = False,
    engine: Engine = "own",
    unproved: Unproved = False,
) -> Answer:
    """Write the plan as an Alembic revision, with its undo as the downgrade; no file where nothing is to do."""
    from dbsync.revisions import next_revision
    from dbsync.schema.alembic_revision import revision_text

    options = planning_options(
        context, tables=tables, exclude=exclude, schemas=schemas, ignore=ignore, renames=renames, online=online,
        shadow=shadow, no_proof=no_proof, engine=engine,
    )  # fmt: skip
    following = next_revision(directory, message)
    made = plan_now(context, source, target, options)
    _warn(context, made)
    facts: dict[str, Any] = {"summary": summary(made), "file": None, "revision": None, "down_revision": None}
    if made.statements:
        if made.proof.state != "proved" and not unproved:
            raise Refused(
                f"the plan is not proved: {proof_line(made.proof)}", code="UNPROVED",
                hint="look at it with dbsync migrate plan, or add --unproved",
            )  # fmt: skip
        text = revision_text(
            made, message=message, revision=following.revision, down_revision=following.down_revision,
            created_at=_when(),
        )  # fmt: skip
        write_file(following.path, [text])
        facts |= {
            "file": str(following.path), "revision": following.revision, "down_revision": following.down_revision,
        }  # fmt: skip
    return Answer(
        result=facts,
        render={"text": lambda: "\n".join(filter(None, (facts["summary"], escape(facts["file"] or ""))))},
        exit_code=0 if proved(made) else 1,
    )


migrate_app = group(
    "migrate",
    "Plan, prove, apply and undo what makes a schema like another.",
    plan,
    apply,
    verify,
    rollback,
    revision,
    status,
    history,
)


def _warn(context: Context, made: MigrationPlan) -> None:
    for warning in made.warnings:
        context.warn(warning)


def _when() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _proof_text(proof: Proof) -> str:
    return "".join(f"{escape(line)}\n" for line in (proof_line(proof), *(f"  {one}" for one in proof.differences)))
