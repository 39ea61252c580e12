"""``dbsync local``: start, stop, list and open the embedded servers behind ``local:NAME``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from dbsync import local
from dbsync.cli.command import command, group
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.signals import stop_clock
from dbsync.local import LocalServer

Name = Annotated[str, typer.Argument(metavar="NAME", help="The server's name, as in local:NAME.")]
Major = Annotated[int | None, typer.Option("--major", metavar="N", help="Postgres major version, such as 17.")]


@command("up", report=True)
def up(context: Context, name: Name, major: Major = None) -> Answer:
    """Start an embedded server; make it, with an empty database of its name, if there is none."""
    return _answer(local.up(name, major=major))


@command("down", report=True, flag_only=("--delete",))  # a profile's "delete: true" is meant for sync
def down(
    context: Context,
    name: Name,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the server's data as well.")] = False,
) -> Answer:
    """Stop an embedded server; its data stays."""
    stopped = local.down(name, delete=delete)
    return Answer(
        result=_facts(stopped) | {"deleted": delete},
        render={"text": lambda: f"local:{name} is stopped" + (" and its data is removed" if delete else "")},
    )


@command("list")
def list_(context: Context) -> Answer:
    """List the embedded servers."""
    found = local.list_servers()
    return Answer(
        result={"servers": [_facts(server) for server in found]},
        render={"text": lambda: "".join(_line(server, found) + "\n" for server in found)},
    )


@command("url")
def url(context: Context, name: Name) -> Answer:
    """Print the URL of a running embedded server, with its password, for other programs."""
    found = local.url(name)
    return Answer(result={"name": name, "url": found}, render={"text": lambda: found})


@command("psql", formats=("text",))
def psql(
    context: Context,
    name: Name,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGUMENTS]", help="Passed on to psql, after --.")
    ] = None,
) -> Answer:
    """Open psql on an embedded server, which is started if needed."""
    program, environment = local.psql_command(name)
    sys.stdout.flush()
    stop_clock()  # it would outlive the exec, and kill psql without a word
    os.execve(program[0], [*program, *(arguments or [])], environment)


@command("reset", report=True)
def reset(context: Context, name: Name, major: Major = None) -> Answer:
    """Throw away all data of an embedded server and start it empty."""
    return _answer(local.reset(name, major=major))


local_app = group("local", "Embedded Postgres servers: local:NAME.", up, down, list_, url, psql, reset)


def _answer(server: LocalServer) -> Answer:
    return Answer(result=_facts(server), render={"text": lambda: _line(server, [server])})


def _facts(server: LocalServer) -> dict[str, Any]:
    return {
        "name": server.name,
        "running": server.running,
        "major": server.major,
        "port": server.port,
        "directory": str(server.directory),
    }


def _line(server: LocalServer, among: Sequence[LocalServer]) -> str:
    width = max(len(other.name) for other in among)
    state = f"running on 127.0.0.1:{server.port}" if server.running else "stopped"
    version = f"Postgres {server.major}" if server.major else "no data"
    return f"local:{server.name:<{width}}  {version}  {state}"
