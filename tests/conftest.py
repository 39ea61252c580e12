"""Two embedded clusters per run, a fresh database per test, and no trace of the machine's environment.

``DBSYNC_TEST_MAJORS=17,15`` chooses the majors of the two clusters; the default is 18 and 18. What hypothesis
draws is the same each time unless ``DBSYNC_TEST_SEED`` is set. Servers, databases and directories are gone
when the run ends, however it ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from dbsync.errors import ConfigError
from dbsync.local import EphemeralServer, find_binaries
from tests.fixtures.command import Command
from tests.fixtures.databases import Database, Servers, fresh_database
from tests.fixtures.memory import in_memory
from tests.fixtures.pair import Pair, make_roles, pair_on

if "DBSYNC_TEST_SEED" not in os.environ:
    hypothesis.settings.register_profile("steady", derandomize=True)
    hypothesis.settings.load_profile("steady")

_SETTINGS = {
    "autovacuum": "off",  # statistics change only when a test says so
    "shared_buffers": "48MB",
    "max_prepared_transactions": "8",
    "wal_level": "logical",
    "log_min_messages": "fatal",
}
_STRAY = ("PG", "DBSYNC_", "XDG_")


def pytest_configure() -> None:
    """Choose the place of all servers and files, for this process and its workers, before any asks for one."""
    if "TMPDIR" not in os.environ and (place := in_memory()) is not None:
        os.environ["TMPDIR"] = str(place)
        tempfile.tempdir = None


def _bare_environment(place: Path) -> None:
    """Forget what could steer libpq or dbsync; embedded servers of this run live in ``place``."""
    for name in list(os.environ):
        if name.startswith(_STRAY) and name not in ("DBSYNC_TEST_MAJORS", "DBSYNC_PG_BINDIR"):
            del os.environ[name]
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, and children inherit that
    home = place / "home"
    home.mkdir()
    os.environ |= {"HOME": str(home), "DBSYNC_LOCAL_DIR": str(place / "local"), "NO_COLOR": "1"}


@pytest.fixture(scope="session", autouse=True)
def run_directory() -> Iterator[Path]:
    """A directory of this run's own, with a path short enough for sockets."""
    before = dict(os.environ)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: its children would ignore it too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    place = Path(tempfile.mkdtemp(prefix="dbsync-"))
    place.chmod(0o711)  # the user that runs root's servers has to pass
    _bare_environment(place)
    try:
        yield place
    finally:
        os.environ.clear()
        os.environ |= before
        shutil.rmtree(place)


def _server(major: int) -> Iterator[EphemeralServer]:
    try:
        find_binaries(major)
    except ConfigError as error:
        pytest.skip(f"NOT TESTED on Postgres {major}: {error.message}")
    with EphemeralServer(major, _SETTINGS) as server:
        make_roles(server)
        yield server


def _major(number: int) -> int:
    return int(os.environ.get("DBSYNC_TEST_MAJORS", "18,18").split(",")[number])


@pytest.fixture(scope="session")
def pg_a(run_directory: Path) -> Iterator[EphemeralServer]:
    """The cluster that holds sources."""
    yield from _server(_major(0))


@pytest.fixture(scope="session")
def pg_b(run_directory: Path) -> Iterator[EphemeralServer]:
    """The cluster that holds targets."""
    yield from _server(_major(1))


@pytest.fixture(scope="session")
def pg17(run_directory: Path) -> Iterator[EphemeralServer]:
    """A cluster of Postgres 17, whose wheel has pgcrypto."""
    yield from _server(17)


@pytest.fixture(scope="session")
def pg15(run_directory: Path) -> Iterator[EphemeralServer]:
    """A cluster of Postgres 15, where one is installed."""
    yield from _server(15)


@pytest.fixture(scope="session")
def pg_tls(run_directory: Path) -> Iterator[EphemeralServer]:
    """A cluster that speaks TLS; ``ca_file`` is the authority to trust."""
    try:
        find_binaries(tls=True)
    except ConfigError as error:
        pytest.skip(f"NOT TESTED with TLS: {error.message}")
    with EphemeralServer(settings=_SETTINGS, tls=True) as server:
        make_roles(server)
        yield server


@pytest.fixture(scope="session")
def servers(pg_a: EphemeralServer, pg_b: EphemeralServer) -> Servers:
    """Both clusters; ``major`` is the older one's."""
    return Servers(pg_a, pg_b)


@pytest.fixture
def pairs(servers: Servers) -> Iterator[Callable[..., Pair]]:
    """Make pairs of databases from scripts; see ``pair_on``."""
    with pair_on(servers.source, servers.target) as make:
        yield make


@pytest.fixture
def source_db(pg_a: EphemeralServer) -> Iterator[Database]:
    """An empty database on the first cluster."""
    with fresh_database(pg_a) as database:
        yield database


@pytest.fixture
def target_db(pg_b: EphemeralServer) -> Iterator[Database]:
    """An empty database on the second cluster."""
    with fresh_database(pg_b) as database:
        yield database


@pytest.fixture
def store_db(pg_b: EphemeralServer) -> Iterator[Database]:
    """An empty database on the second cluster, for a store."""
    with fresh_database(pg_b) as database:
        yield database


@pytest.fixture
def dbsync(tmp_path: Path) -> Command:
    """The command, in a child process with a bare environment and an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return Command(home)


@pytest.fixture
def cli(dbsync: Command) -> Command:
    """The same command under the name that does not hide the package."""
    return dbsync
