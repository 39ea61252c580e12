"""``dbsync connections list`` and ``show``: what is saved, without passwords."""

from __future__ import annotations

from typing import Annotated

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.profiles import complete_saved
from dbsync.cli.render_connections import details, facts, listing, past_pings
from dbsync.errors import ConfigError
from dbsync.registry import LOCAL_OWNER
from dbsync.registry.keep_alive import history

_PINGS_SHOWN = 10


@command("list")
def list_(context: Context) -> Answer:
    """List the saved connections."""
    found = []
    try:
        with context.registry() as registry:
            found = [facts(registry, known) for known in registry.list(LOCAL_OWNER)]
    except ConfigError as error:
        if error.code != "NO_STORE":  # nothing was ever saved
            raise
    return Answer(result={"connections": found}, render={"text": lambda: listing(found)})


@command("show")
def show(
    context: Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The connection's name or id.", autocompletion=complete_saved)
    ],
) -> Answer:
    """Show one saved connection and its last pings."""
    with context.registry() as registry:
        known = registry.get(LOCAL_OWNER, name)
        result = facts(registry, known) | {"pings": past_pings(history(registry, known, limit=_PINGS_SHOWN))}
    return Answer(result=result, render={"text": lambda: details(result)})
