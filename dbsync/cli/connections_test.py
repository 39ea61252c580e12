"""``dbsync connections test``: ``dbsync test`` for saved connections."""

from __future__ import annotations

from typing import Annotated

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.diagnosis import told
from dbsync.cli.output import Answer
from dbsync.cli.profiles import complete_saved
from dbsync.errors import ConfigError, DbsyncError
from dbsync.pg.diagnose import Diagnosis, diagnose
from dbsync.pg.rights import Purpose
from dbsync.registry import LOCAL_OWNER, Connection, Registry


@command("test", report=True)
def examine(
    context: Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Their names.", show_default=False, autocompletion=complete_saved),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every saved connection.")] = False,
    purpose: Annotated[Purpose, typer.Option("--for", help="Which rights to look for.")] = "read",
) -> Answer:
    """Look at every phase of reaching saved connections, as `dbsync test` does."""
    if every == bool(names):
        raise ConfigError("which connections?", hint="dbsync connections test NAME..., or --all")
    with context.registry() as registry:
        known = registry.list(LOCAL_OWNER) if every else [registry.get(LOCAL_OWNER, name) for name in names or ()]
        if not known:
            raise ConfigError("no connection is saved", hint="dbsync connections add NAME")
        return told(context, [_look(context, registry, each, purpose) for each in known])


def _look(context: Context, registry: Registry, connection: Connection, purpose: Purpose) -> Diagnosis:
    context.control.check()
    try:
        url = registry.url(connection)
        context.learn(url.password)
        return diagnose(url, purpose=purpose)
    except DbsyncError as error:
        found = Diagnosis(name=connection.name or connection.id)
        found.fail("config", error)
        return found
