"""One Postgres server: where its things are, start it, see whether it runs, stop it.

The lock file ``run.lock`` is held by the server's own processes, so the kernel says whether one is
left, after any crash. Only owner and password open a database: no OS user of the machine is trusted.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dbsync.errors import DbsyncError
from dbsync.local import launch
from dbsync.local.account import Account, server_account, server_environment
from dbsync.local.binaries import Binaries
from dbsync.local.directories import try_lock

SUPERUSER = "postgres"  # what dumps expect as an owner
LONGEST_SOCKET_PATH = 100  # bytes; the kernels allow 103 to 107
START_PATIENCE = 120.0  # seconds; recovery after a crash may take long
_PORT_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Server:
    """A server's directory: ``data`` belongs to the account, all the rest to us alone."""

    directory: Path
    account: Account

    @classmethod
    def at(cls, directory: Path) -> Server:
        """Return the server of that directory, run by the account that is right for this process."""
        return cls(directory, server_account())

    @property
    def data(self) -> Path:
        """The data directory, complete as soon as it exists."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """What the server printed since its last start."""
        return self.directory / "log"

    @property
    def lock(self) -> Path:
        """Held by every process of the running server."""
        return self.directory / "run.lock"

    @property
    def socket_dir(self) -> Path | None:
        """Where the socket is, None if the path is too long for one: then there is TCP only."""
        longest = os.fsencode(self.data / ".s.PGSQL.65535.lock")
        return self.data if len(longest) < LONGEST_SOCKET_PATH else None

    @property
    def password(self) -> str:
        """The superuser's password."""
        return (self.directory / "password").read_text(encoding="utf-8")

    @property
    def major(self) -> int | None:
        """The major version that made the data, None while there is none."""
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def url(self, dbname: str, port: int) -> str:
        """Return a URL with the password in it: for a driver, never for a message."""
        return f"postgresql://{SUPERUSER}:{quote(self.password)}@127.0.0.1:{port}/{quote(dbname, safe='')}"


def start(
    server: Server,
    binaries: Binaries,
    *,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
    spawn: Callable[[Sequence[str]], subprocess.Popen[bytes]] | None = None,
) -> tuple[int, subprocess.Popen[bytes] | None]:
    """Start the server and wait until it takes connections; return its port, and its process if it is a child.

    ``port`` is preferred, not promised. With ``spawn`` the server is a child that dies with the thread
    that ``spawn`` runs in; without, it goes on when we end.
    """
    for attempt in range(_PORT_ATTEMPTS):
        candidate = port if port and attempt == 0 else _free_port()
        process = _launch(server, binaries, candidate, settings or {}, spawn)
        if (found := _wait_ready(server, process)) is not None:
            return found, process
        if "Address already in use" not in _tail(server.log, lines=50):
            break
    raise not_started(f"the embedded server in {server.directory} did not start", _tail(server.log))


def running_port(server: Server) -> int | None:
    """Return the port of the running server, None if none is running and ready."""
    return _ready_port(server) if is_running(server) else None


def is_running(server: Server) -> bool:
    """Tell whether any process of the server lives."""
    if not server.lock.exists():
        return False
    descriptor = try_lock(server.lock)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def wait_ready(server: Server) -> int | None:
    """Return the port of a running server as soon as it is ready, None if it is not running."""
    return _wait_ready(server, None)


def stop(server: Server, *, immediately: bool = False) -> None:
    """Stop the server and wait until its last process is gone."""
    for number, patience in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 20.0)):
        if immediately and number == signal.SIGINT:
            continue
        _signal(server, number)
        if _gone(server, patience):
            if server.lock.exists():
                os.truncate(server.lock, 0)  # the number in it may soon be another process's
            return
    raise DbsyncError(
        f"the embedded server in {server.directory} does not stop", hint="see its log there", code="LOCAL_STOP"
    )


def _launch(
    server: Server,
    binaries: Binaries,
    port: int,
    settings: Mapping[str, str],
    spawn: Callable[[Sequence[str]], subprocess.Popen[bytes]] | None,
) -> subprocess.Popen[bytes] | None:
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(server.socket_dir or ""),
        "unix_socket_permissions": "0700",
        "logging_collector": "off",
        **settings,
    }
    order = {
        "arguments": [binaries.program("postgres"), "-D", str(server.data)]
        + [part for name, value in options.items() for part in ("-c", f"{name}={value}")],
        "environment": server_environment(binaries.bindir),
        "data": str(server.data),
        "lock": str(server.lock),
        "log": str(server.log),
        "user": [server.account.uid, server.account.gid] if server.account.switch else None,
        "bound": spawn is not None,
        "parent": os.getpid(),
    }
    command = [sys.executable, "-I", "-S", launch.__file__, json.dumps(order)]
    if spawn is not None:
        return spawn(command)
    status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode
    if status not in (0, launch.BUSY):  # busy: a start whose parent was killed was faster
        raise not_started(f"the embedded server in {server.directory} did not start", "")
    return None


def _free_port() -> int:
    """Let the kernel choose a port; another process may take it first, so that a start is tried again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def _wait_ready(server: Server, process: subprocess.Popen[bytes] | None) -> int | None:
    """Wait until the server says so in its pid file; return its port, None if it ended instead."""
    limit = time.monotonic() + START_PATIENCE
    while time.monotonic() < limit:
        if process.poll() is not None if process else not is_running(server):
            return None
        if (port := _ready_port(server)) is not None:
            return port
        time.sleep(0.02)
    stop(server, immediately=True)
    raise not_started(f"the embedded server in {server.directory} was not ready in time", _tail(server.log))


def _ready_port(server: Server) -> int | None:
    """Return the port that postmaster.pid names, None if the file is another server's or says not ready.

    That file belongs to the server's user: a link in its place is not followed, and the process in it
    has to be the one that we know from the lock.
    """
    try:
        descriptor = os.open(server.data / "postmaster.pid", os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        lines = file.read(10_000).splitlines()
    ours = len(lines) >= 8 and lines[0] == server.lock.read_text(encoding="ascii").strip()
    return int(lines[3]) if ours and lines[7].strip() == "ready" else None


def _signal(server: Server, number: int) -> None:
    """Send a signal to the server if it runs.

    Its number comes from a file that is open in the server, too: root kills nothing that is not its account's.
    """
    if not is_running(server):
        return
    text = server.lock.read_text(encoding="ascii").strip()
    try:
        foreign = server.account.switch and _owner(int(text or 0)) not in (server.account.uid, None)
        if text and not foreign:
            os.kill(int(text), number)
    except ProcessLookupError:
        return  # the server is dead, its last children are leaving


def _owner(process: int) -> int | None:
    """Whose process it is, None where there is none or the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(status.partition("\nUid:")[2].split()[0])


def _gone(server: Server, patience: float) -> bool:
    limit = time.monotonic() + patience
    while is_running(server):
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


def _tail(log: Path, lines: int = 3) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def not_started(message: str, output: str) -> DbsyncError:
    """Build the error of a program that failed, with the line of its output that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reasons = [line for line in lines if "FATAL" in line or "error:" in line.lower()] or lines
    return DbsyncError(f"{message}: {reasons[-1]}" if reasons else message, code="LOCAL_START")
