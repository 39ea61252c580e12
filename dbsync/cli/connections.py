"""``dbsync connections``: databases saved under a name, their URLs sealed; none of these commands shows a password."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Annotated, Literal

import typer

from dbsync.cli.command import command, group
from dbsync.cli.connections_import import import_
from dbsync.cli.connections_keep import keep_alive, rotate_key
from dbsync.cli.connections_show import list_, show
from dbsync.cli.connections_test import examine
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.profiles import complete_saved
from dbsync.cli.render_connections import facts, summary
from dbsync.cli.terminal import escape
from dbsync.config import Settings
from dbsync.errors import ConfigError
from dbsync.references import guards_at, resolve
from dbsync.registry import Registry
from dbsync.registry.model import LOCAL_OWNER, Changes, Connection, Labels
from dbsync.sqltext import require_utf8
from dbsync.urls import DatabaseUrl, parse_url

NewName = Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The connection's name or id.", autocompletion=complete_saved)
]
Url = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="The database's URL; - reads it from stdin.", show_default=False),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="REFERENCE",
        help="Take the URL from env:VAR, file:PATH, cmd:COMMAND or service=NAME.",
    ),
]
Environment = Literal["production", "staging", "development"]
_LONGEST_URL = 64 * 1024


@command("add", report=True)
def add(
    context: Context,
    name: NewName,
    url: Url = None,
    reference: From = None,
    environment: Annotated[
        Environment | None, typer.Option("--environment", help="Writing to production needs --confirm NAME.")
    ] = None,
    protected: Annotated[bool, typer.Option("--protected", help="Writing needs --confirm NAME.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Never a target, whatever is typed.")] = False,
    keep_alive: Annotated[bool, typer.Option("--keep-alive", help="Pinged by keep-alive.")] = False,
) -> Answer:
    """Save a database under a name. Without URL and --from, the URL is asked for and not shown."""
    context.audited("connections.add", name)
    labels = Labels(environment=environment, protected=protected, read_only=read_only, keep_alive=keep_alive)
    found = _read_url(context, url, reference)
    with context.registry(create=True) as registry:
        saved = registry.add(LOCAL_OWNER, name, found, labels=labels, quota=context.quotas.of(LOCAL_OWNER))
        result = facts(registry, saved)
        _warn_of_guards(context, registry, saved)
    _warn_of_the_file(context, name)
    return Answer(result=result, render={"text": lambda: f"saved {summary(result)}"})


@command("edit", report=True)
def edit(
    context: Context,
    name: Name,
    url: Url = None,
    reference: From = None,
    rename: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="Call it so from now on.")] = None,
    environment: Annotated[
        Literal["production", "staging", "development", "none"] | None,
        typer.Option("--environment", help="Its environment; none takes the label off."),
    ] = None,
    protected: Annotated[
        bool | None, typer.Option("--protected/--no-protected", help="Whether writing needs --confirm NAME.")
    ] = None,
    read_only: Annotated[
        bool | None, typer.Option("--read-only/--no-read-only", help="Whether it is never a target.")
    ] = None,
    keep_alive: Annotated[
        bool | None, typer.Option("--keep-alive/--no-keep-alive", help="Whether keep-alive pings it.")
    ] = None,
) -> Answer:
    """Change a saved connection: its URL, its name, its labels. What is not named stays."""
    context.audited("connections.edit", name)
    new_url = _read_url(context, url, reference) if url is not None or reference is not None else None
    labels = {"protected": protected, "read_only": read_only, "keep_alive": keep_alive}
    changes = Changes(name=rename, url=new_url, environment=environment, **labels)
    if changes == Changes():
        raise ConfigError("nothing to change is named", hint="dbsync connections edit --help lists what can be")
    with context.registry() as registry:
        changed = registry.edit(LOCAL_OWNER, name, changes)
        result = facts(registry, changed)
        if new_url is not None:
            _warn_of_guards(context, registry, changed)
    if rename is not None:
        _warn_of_the_file(context, rename)
    return Answer(result=result, render={"text": lambda: f"changed: {summary(result)}"})


@command("remove", report=True)
def remove(
    context: Context,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also while jobs need it: they will fail.")] = False,
) -> Answer:
    """Forget a saved connection. The database itself is not touched."""
    context.audited("connections.remove", name)
    with context.registry() as registry:
        gone = registry.remove(LOCAL_OWNER, name, force=force)
    return Answer(
        result={"id": gone.id, "name": gone.name, "removed": True},
        render={"text": lambda: f"removed {escape(gone.name or gone.id)}"},
    )


connections_app = group(
    "connections", "Databases saved under a name, their URLs encrypted.",
    add, list_, show, examine, edit, remove, import_, rotate_key, keep_alive,
)  # fmt: skip


def _read_url(context: Context, text: str | None, reference: str | None) -> DatabaseUrl:
    """Return the URL that was given, or asked for; its warnings are told."""
    if text is not None and reference is not None:
        raise ConfigError("the URL is given twice", hint="leave out either URL or --from")
    given = text if text is not None else reference
    if given in (None, "-") and context.can_ask:
        found = _unseen(context, _asked())
    elif given == "-":
        found = _unseen(context, _from_stdin())
    elif given is not None:
        found = resolve(given, Settings())
        for warning in found.warnings:
            context.warn(warning)
    else:
        raise ConfigError("no URL is given", hint="name it, or write --from env:VAR, or - to read it from stdin")
    context.learn(found.password)
    return found


def _asked() -> str:
    try:
        return getpass("URL (not shown): ", stream=sys.stderr)
    except EOFError:  # Ctrl-D
        raise ConfigError("no URL was typed", hint="name it, or write --from env:VAR") from None


def _from_stdin() -> str:
    try:
        return require_utf8(sys.stdin.read(_LONGEST_URL), "stdin")
    except UnicodeDecodeError:
        raise ConfigError("stdin is not UTF-8") from None


def _unseen(context: Context, text: str) -> DatabaseUrl:
    """Read a URL that nobody saw: there is no reason to warn of its password, and nothing of it may be repeated."""
    context.learn_from(text.strip())
    return parse_url(text.strip())


def _warn_of_guards(context: Context, registry: Registry, saved: Connection) -> None:
    """Say whose guards hold for a connection besides its own: those of entries and connections to the same place."""
    url, name = registry.shown(saved), saved.name or saved.id
    if url.local:  # where it leads is known only while its server runs
        return
    guards = [*guards_at(url, name, context.settings), *registry.guards_at(LOCAL_OWNER, url)]
    for known in dict.fromkeys(guard.confirmation for guard in guards):
        context.warn(f"{name} leads to the same database as {known}, whose guards hold for it too")


def _warn_of_the_file(context: Context, name: str) -> None:
    if name in context.settings.databases:
        context.warn(f"{context.settings.path} has a database named {name} too: there, the file's is used")
