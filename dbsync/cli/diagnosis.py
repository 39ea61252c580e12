"""``dbsync test DB...``: each phase of reaching a database, one line each, and a fix for each failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.terminal import escape, paint, wants_color
from dbsync.errors import ConfigError, ConnectionFailed, DbsyncError
from dbsync.pg.checks import Check
from dbsync.pg.diagnose import Diagnosis, diagnose
from dbsync.pg.rights import Purpose
from dbsync.quantities import parse_duration


@command("test", report=True)
def examine(
    context: Context,
    databases: Annotated[
        list[str] | None, typer.Argument(metavar="DB...", help="The databases.", show_default=False)
    ] = None,
    purpose: Annotated[Purpose, typer.Option("--for", help="Which rights to look for.")] = "read",
    every: Annotated[bool, typer.Option("--all", help="Every database of the config file.")] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait", metavar="DURATION", parser=parse_duration, help="Try again so long until it is up: 30s."
        ),
    ] = None,
    speed: Annotated[bool, typer.Option("--speed", help="Measure how fast data comes: reads 64 MiB.")] = False,
) -> Answer:
    """Look at every phase of a connection: name, network, TLS, password, pooler, version, rights, clock."""
    found = []
    for name in _names(context, databases or [], every=every):
        context.control.check()
        found.append(_look(context, name, purpose, wait or 0, speed=speed, alone=not every))
    return told(context, found)


def told(context: Context, found: list[Diagnosis]) -> Answer:
    """Tell what was found, one database after another."""
    if len(found) == 1 and found[0].reached:
        (one,) = found
        database = next((check.detail for check in one.checks if check.name == "database"), None)
        context.describe(source={"name": one.name, "server_version": one.server_version, "database": database})
    worst = max(each.exit_code for each in found)
    color = wants_color(context.options.color, sys.stdout, os.environ)
    return Answer(
        result={"databases": [each.to_dict() for each in found]},
        render={"text": lambda: (line for each in found for line in _lines(each, color))},
        exit_code=worst,
        error=next(_unreached(each) for each in found if each.exit_code == worst) if worst > 1 else None,
    )


def _names(context: Context, databases: list[str], *, every: bool) -> list[str]:
    if every and databases:
        raise ConfigError("--all stands for the databases", hint="name some, or leave them to --all")
    if not every and not databases:
        raise ConfigError("no database is named", hint="dbsync test DB..., or --all for those of the config file")
    if every and not context.settings.databases:
        raise ConfigError("the config file names no database", hint="add them under databases: in dbsync.yaml")
    return list(context.settings.databases) if every else databases


def _look(context: Context, name: str, purpose: Purpose, wait: float, *, speed: bool, alone: bool) -> Diagnosis:
    """Diagnose one database; among all of the file, one that is named wrongly does not hide the others."""
    try:
        url = context.database(name, read_only=True).url
        return diagnose(url, purpose=purpose, wait=wait, speed=speed)
    except ConfigError as error:
        if alone:
            raise
        found = Diagnosis(name=name)
        found.fail("config", error)
        return found


def _unreached(found: Diagnosis) -> DbsyncError:
    failed = next(check for check in found.checks if not check.ok)
    message = f"{found.name}: {failed.detail}"
    if found.misconfigured:
        return ConfigError(message, hint=failed.hint)
    return ConnectionFailed(message, phase=failed.name, hint=failed.hint)


def _lines(found: Diagnosis, color: bool) -> Iterator[str]:
    failed = sum(not check.ok for check in found.checks)
    verdict = "all is well" if found.ok else f"{failed} check{'s' * (failed != 1)} failed"
    yield f"{escape(found.name)}: {verdict}\n"
    for check in found.checks:
        yield from _check_lines(check, color)


def _check_lines(check: Check, color: bool) -> Iterator[str]:
    word = "ok  " if check.ok else "FAIL"
    shown = paint(word, "green" if check.ok else "red") if color else word
    yield f"  {shown}  {check.name:14} {escape(check.detail)}\n"
    if check.hint:
        yield f"        {'note' if check.ok else 'fix'}: {escape(check.hint)}\n"
