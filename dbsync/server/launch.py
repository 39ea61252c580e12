"""Start the server: the one door between the command line and this package. Blocks until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from socket import socket
from types import FrameType, TracebackType

import uvicorn
from fastapi import FastAPI

from dbsync.errors import DbsyncError, InternalFault
from dbsync.quota import Quotas
from dbsync.server.app import create_app
from dbsync.server.memory import keep_for_good, limit_heaps
from dbsync.server.patience import PatientProtocol
from dbsync.server.settings import Auth, ServeSettings, serve_settings
from dbsync.server.siblings import Siblings, shared_port
from dbsync.server.tokens import new_token, read_scopes
from dbsync.store import StorePlace, open_store

__all__ = ["Auth", "add_token", "serve"]
_LOG = logging.getLogger("dbsync.server")
_GRACE_S = 10  # for requests that are being answered when the server is told to stop
_IDLE_S = 75
# So many new connections are taken in one turn of the loop, so many may wait for theirs: of a crowd that comes at
# once, the first are answered before the last have cost anything.
_AT_ONCE, _WAITING = 8, 2048
# Passwords of this machine's user are not for databases that callers name.
_AMBIENT = ("PGPASSWORD", "PGSERVICE", "PGSERVICEFILE")
_NO_FILE = "/nonexistent/dbsync-serve-uses-no-password-file"


def serve(
    *,
    host: str | None,
    port: int | None,
    auth: Auth,
    tokens: Path | None,
    place: StorePlace,
    quotas: Quotas,
    workers: int,
    processes: int,
    ready: Callable[[str], None],
    warn: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` is told the address. Raises ConfigError for unsafe settings."""
    limit_heaps()
    settings = serve_settings(environ, host=host, port=port, auth=auth, tokens=tokens, workers=workers, quotas=quotas)
    for name in _AMBIENT:
        os.environ.pop(name, None)
    os.environ["PGPASSFILE"] = _NO_FILE
    if processes > 1:
        _serve_together(settings, place, processes, ready, warn, environ)
        return
    app = create_app(settings, open_store(place), environ)
    for warning in _warnings(settings, app.state.core.authenticator.knows_people):
        warn(warning)
    _log_to_stderr()
    _Server(app, settings, ready).run()


def _serve_together(
    settings: ServeSettings,
    place: StorePlace,
    processes: int,
    ready: Callable[[str], None],
    warn: Callable[[str], None],
    environ: Mapping[str, str],
) -> None:
    """Serve in several processes; the jobs are the first one's. Raises SiblingLost where one of them dies."""
    open_store(place).close()  # made or upgraded once, before there are several
    first = shared_port(settings.host, settings.port)
    siblings = Siblings()
    siblings.fork(processes)
    code = 1
    try:
        number = siblings.number
        port = first.getsockname()[1]
        listening = first if number == 0 else shared_port(settings.host, port)
        mine = replace(settings, port=port, workers=settings.workers if number == 0 else 0)
        app = create_app(mine, open_store(place), environ)
        for warning in _warnings(mine, app.state.core.authenticator.knows_people) if number == 0 else ():
            warn(warning)
        _log_to_stderr()
        tell = ready if number == 0 else lambda _address: None
        _Server(app, mine, tell, siblings).run([listening])
        code = 0
    except Exception as error:
        if siblings.number:
            _LOG.error("process %s ends: %s", siblings.number, error if isinstance(error, DbsyncError) else repr(error))
        raise
    finally:
        if siblings.number:
            os._exit(code)  # what called us is the first process's to end
        siblings.close()


def config_of(app: FastAPI, settings: ServeSettings) -> uvicorn.Config:
    """How uvicorn serves it: HTTP/1.1 without TLS, with limits for whatever a client can make it wait for."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=PatientProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=128 * 1024,
        limit_concurrency=2000,
    )


class _Server(uvicorn.Server):
    """Tells when it listens, and where: port 0 is a free one."""

    def __init__(
        self, app: FastAPI, settings: ServeSettings, ready: Callable[[str], None], siblings: Siblings | None = None
    ) -> None:
        config = config_of(app, settings)
        config.backlog = _AT_ONCE
        super().__init__(config)
        self._end_streams = app.state.core.audience.end
        self._ready = ready
        self._siblings = siblings

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams, which would go on, then the rest."""
        self._end_streams()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let all processes end at the same time."""
        if self._siblings is not None:
            self._siblings.end()
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """End with the others."""
        if self._siblings is not None and self._siblings.is_over():
            self.should_exit = True
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the server, not the process: to be told to stop is no failure."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if not self.should_exit:
            self._let_more_wait()
            keep_for_good()
            listening = sockets[0] if sockets else self.servers[0].sockets[0]
            host, port = listening.getsockname()[:2]
            self._ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    def _let_more_wait(self) -> None:
        for listening in (each for server in self.servers for each in server.sockets):
            with socket(fileno=os.dup(listening.fileno())) as same:
                same.listen(_WAITING)


def add_token(file: Path, *, owner: str, scopes: str, ends: date | None) -> str:
    """Add a token to the file and return it; it cannot be read back."""
    return new_token(file, owner=owner, scopes=read_scopes(scopes), ends=ends)


def _warnings(settings: ServeSettings, knows_people: bool) -> list[str]:
    found = []
    if not knows_people:
        found.append(
            "no bearer token can be accepted: set SUPABASE_JWT_SECRET or SUPABASE_URL, or give a file of tokens; "
            "until then every request is answered 401"
        )
    if settings.auth == "none":
        found.append("--auth none: every user of this machine may do everything that you may")
    return found


class _Lines(logging.Formatter):
    """Names the place of a failure: its text, which uvicorn would log as well, might hold a secret."""

    def formatException(  # noqa: N802  # logging's name
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Return the type and the place in one line."""
        return InternalFault.of(ei[1]).message if ei[1] is not None else ""


def _log_to_stderr() -> None:
    """Requests and failures as lines on stderr; uvicorn's own start and end are told by ``ready``."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for name, level in (("dbsync.access", logging.INFO), ("dbsync.server", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
