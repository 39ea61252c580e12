"""The options of ``dbsync migrate``, how their texts are read, and how a plan comes about: from a file, or made now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dbsync.cli.compared_schemas import is_database, side_of
from dbsync.cli.context import Context
from dbsync.errors import ConfigError, ConnectionFailed
from dbsync.model import split_at
from dbsync.pg.database import Database
from dbsync.quantities import parse_duration
from dbsync.schema.choice import Choice, parse_ignored
from dbsync.schema.hazards import TYPES
from dbsync.schema.plan import End, MigrationPlan
from dbsync.schema.plan_file import BAD_PLAN, read_plan
from dbsync.urls import DatabaseUrl

if TYPE_CHECKING:  # loaded when a plan is made
    from dbsync.migration import MigrationOptions

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The wanted schema: a database or a .sql file.")]
TargetArgument = Annotated[str, typer.Argument(metavar="TARGET", help="The database to change.")]
PlanArgument = Annotated[Path, typer.Argument(metavar="PLAN", help="A file that migrate plan -o wrote.")]
OtherTarget = Annotated[
    str | None,
    typer.Argument(metavar="TARGET", help="The plan's target, where its name in the plan does not lead there."),
]
Renames = Annotated[
    list[str] | None,
    typer.Option(
        "--rename",
        metavar="OLD=NEW",
        help="What was renamed, so that it is not dropped: public.a=public.b, public.t.a=public.t.b; repeatable.",
    ),
]
Online = Annotated[
    bool, typer.Option("--online", help="Take the ways that block nobody for long, also where they take more steps.")
]
Shadow = Annotated[
    str | None,
    typer.Option(
        "--shadow",
        metavar="target|DB",
        help="Prove on a temporary database on the target's server, or on the server of DB; else an embedded one.",
    ),
]
Engine = Annotated[
    Literal["own", "migra", "results", "auto"],
    typer.Option("--engine", help="Who plans; auto asks the others where the own plan is not proved."),
]
NoProof = Annotated[bool, typer.Option("--no-proof", help="Only plan: nothing is tried or measured.")]
AllowHazard = Annotated[
    list[str] | None,
    typer.Option("--allow-hazard", metavar="KIND", help="Allow what needs leave: DELETES_DATA; repeatable."),
]
Unproved = Annotated[bool, typer.Option("--unproved", help="Also a plan that is not proved.")]
LockTimeout = Annotated[
    float | None,
    typer.Option(
        "--lock-timeout", metavar="DURATION", parser=parse_duration, help="Wait so long for locks, then try again."
    ),
]
StatementTimeout = Annotated[
    float | None,
    typer.Option("--statement-timeout", metavar="DURATION", parser=parse_duration, help="Limit of each statement."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and what would be refused.")]
Confirm = Annotated[str | None, typer.Option("--confirm", metavar="NAME", help="Type the name of a protected target.")]
_EXAMPLE = "write --rename public.old=public.new, or --rename public.table.old=public.table.new"


def planning_options(
    context: Context,
    *,
    tables: Sequence[str] | None,
    exclude: Sequence[str] | None,
    schemas: Sequence[str] | None,
    ignore: Sequence[str] | None,
    renames: Sequence[str] | None,
    online: bool,
    shadow: str | None,
    no_proof: bool,
    engine: Literal["own", "migra", "results", "auto"],
) -> MigrationOptions:
    """Read the options that a plan is made with."""
    from dbsync.migration import MigrationOptions

    if no_proof and shadow is not None:
        raise ConfigError("--no-proof and --shadow contradict each other")
    choice = Choice(
        tables=tuple(tables or ()), exclude=tuple(exclude or ()), schemas=tuple(schemas or ()),
        ignore=parse_ignored(ignore or ()),
    )  # fmt: skip
    return MigrationOptions(
        choice=choice,
        renames=tuple(map(parse_rename, renames or ())),
        online=online,
        shadow=shadow_of(context, shadow),
        proof=not no_proof,
        engine=engine,
    )


def parse_rename(text: str) -> tuple[str, str]:
    """Read ``OLD=NEW``; an equals sign inside double quotes belongs to a name."""
    old, _, new = split_at(text, "=")
    if not old.strip() or not new.strip():
        raise ConfigError(f"cannot read --rename {text!r}", hint=_EXAMPLE)
    return old.strip(), new.strip()


def allowed_hazards(texts: Sequence[str] | None) -> frozenset[str]:
    """Read the labels of --allow-hazard; raise ConfigError for one that there is not."""
    labels = [text.strip().upper().replace("-", "_") for text in texts or ()]
    for label in labels:
        if label not in TYPES:
            near = get_close_matches(label, TYPES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(TYPES)}"
            raise ConfigError(f"--allow-hazard {label}: there is no such hazard", hint=hint)
    return frozenset(labels)


def milliseconds(seconds: float | None) -> int | None:
    """A duration as Postgres takes it, never zero, which would be no limit."""
    return None if seconds is None else max(1, round(seconds * 1000))


def shadow_of(context: Context, text: str | None) -> str | DatabaseUrl | None:
    """Read --shadow."""
    return text if text is None or text == "target" else context.database(text, read_only=False).url


def plan_now(context: Context, source: str, target: str, options: MigrationOptions) -> MigrationPlan:
    """Make a plan for two ends that the user typed."""
    from dbsync.migration import make_plan

    return make_plan(
        side_of(context, source), context.database(target, read_only=True), options, emit=context.emit,
        control=context.control, warn=context.warn,
        opened=lambda left, right: context.describe(source=left, target=right),
    )  # fmt: skip


def plan_of(context: Context, file: Path) -> MigrationPlan:
    """Read a plan's file; the envelope's ends are the plan's until they are reached."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read {str(file)!r}: {why}", code=BAD_PLAN) from error
    plan = read_plan(text, str(file))
    context.describe(source=_end(plan.source), target=_end(plan.target))
    return plan


def is_plan(context: Context, text: str) -> bool:
    """Whether an argument is a plan's file, not a database or a script."""
    return text.endswith(".json") or (
        is_database(context, text) and text not in context.settings.databases and Path(text).is_file()
    )


def target_of(context: Context, plan: MigrationPlan, other: str | None) -> Database:
    """Return the database that a plan is for: the one that was named now, else the one that the plan names."""
    return context.database(plan.target.name if other is None else other, read_only=False)


@contextmanager
def without_password(other: str | None) -> Iterator[None]:
    """Say what may be missing where a server asks the target of a plan for a password."""
    try:
        yield
    except ConnectionFailed as error:
        if other is None and error.phase == "auth":
            error.hint = "a plan holds no passwords: name the target after the plan"
        raise


def reached(context: Context, plan: MigrationPlan) -> Callable[[Mapping[str, Any]], None]:
    """What to tell the envelope when the target of a plan is reached."""
    return lambda target: context.describe(source=_end(plan.source), target=target)


def read_only(database: Database) -> Database:
    """The same database, held to reading."""
    return replace(database, read_only=True)


def _end(end: End) -> dict[str, Any]:
    return {"name": end.name, "server_version": end.server_version, "database": end.database}
