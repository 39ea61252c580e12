"""``dbsync serve``: the HTTP server that an existing frontend can use, and a page to watch."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.serve_figures import figures_directory, remove_dead_ones
from dbsync.errors import ConfigError

Auth = Literal["secret", "token", "none"]
_MODULES = ("fastapi", "jwt", "limits", "prometheus_client", "pydantic", "starlette", "uvicorn")


@command("serve")
def serve(
    context: Context,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen; else HOST, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="The port, 0 for a free one; else PORT, else 3001.")
    ] = None,
    auth: Annotated[
        Auth, typer.Option("--auth", help="secret: also BACKEND_SHARED_SECRET; token: bearer tokens; none: loopback.")
    ] = "secret",
    tokens: Annotated[
        Path | None, typer.Option("--tokens", metavar="FILE", help="Hashed bearer tokens; else DBSYNC_TOKENS.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=32, metavar="N", help="Jobs at a time; 0: others run them.")
    ] = 2,
    processes: Annotated[
        int,
        typer.Option("--processes", min=1, max=32, metavar="N", help="Processes that share the port; one runs jobs."),
    ] = 1,
    new_token: Annotated[
        str | None, typer.Option("--new-token", metavar="OWNER", help="Add a token to --tokens, print it, and end.")
    ] = None,
    scopes: Annotated[
        str, typer.Option("--scopes", metavar="a,b", help="Of the new token: some of read,run,write,admin.")
    ] = "read",
    ends: Annotated[
        str | None, typer.Option("--ends", metavar="DATE", help="The last day of the new token: 2027-12-31.")
    ] = None,
) -> Answer:
    """Serve the HTTP interface until it is stopped."""
    with _figures_of(processes):
        launch = _launch()
        if new_token is not None:
            if tokens is None:
                raise ConfigError("--new-token needs --tokens FILE, which it is added to")
            text = launch.add_token(tokens, owner=new_token, scopes=scopes, ends=_date(ends))
            return Answer(result={"token": text, "owner": new_token}, render={"text": lambda: text + "\n"})
        listened: list[str] = []

        def ready(address: str) -> None:
            listened.append(address)
            context.notice(f"listening on {address}")

        launch.serve(
            host=host, port=port, auth=auth, tokens=tokens, workers=workers, processes=processes,
            place=context.store_place, quotas=context.settings.quotas, warn=context.warn, ready=ready,
        )  # fmt: skip
    return Answer(result={"url": listened[0] if listened else None}, render={"text": lambda: ""})


@contextmanager
def _figures_of(processes: int) -> Iterator[None]:
    """Let several processes count together: the library that counts looks for the directory when it is loaded."""
    remove_dead_ones()
    if processes == 1:
        yield
        return
    with figures_directory() as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        yield


def _launch() -> ModuleType:
    try:
        from dbsync.server import launch
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _MODULES:
            raise
        raise ConfigError(
            "the server is not installed", hint="pip install 'dbsync[server]'", code="NO_SERVER"
        ) from None
    return launch


def _date(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise ConfigError(f"--ends {text!r} is no date", hint="write 2027-12-31") from None
