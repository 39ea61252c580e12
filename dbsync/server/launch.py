"""Start the server: the one door between the command line and this package. Blocks until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from socket import socket

import uvicorn

from dbsync.quota import Quotas
from dbsync.server.app import create_app
from dbsync.server.settings import Auth, ServeSettings, serve_settings
from dbsync.server.tokens import new_token, read_scopes
from dbsync.store import StorePlace, open_store

__all__ = ["Auth", "add_token", "serve"]
_GRACE_S = 10  # for requests that are being answered when the server is told to stop
_IDLE_S = 75
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
    ready: Callable[[str], None],
    warn: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` is told the address. Raises ConfigError for unsafe settings."""
    settings = serve_settings(environ, host=host, port=port, auth=auth, tokens=tokens, workers=workers, quotas=quotas)
    for name in _AMBIENT:
        os.environ.pop(name, None)
    os.environ["PGPASSFILE"] = _NO_FILE
    app = create_app(settings, open_store(place), environ)
    for warning in _warnings(settings, app.state.core.authenticator.knows_people):
        warn(warning)
    _log_to_stderr()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=128 * 1024,
        limit_concurrency=2000,
    )
    _Server(config, ready).run()


class _Server(uvicorn.Server):
    """Tells when it listens, and where: port 0 is a free one."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._ready = ready

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
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


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


def _log_to_stderr() -> None:
    """Requests and failures as lines on stderr; uvicorn's own start and end are told by ``ready``."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for name, level in (("dbsync.access", logging.INFO), ("dbsync.server", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
