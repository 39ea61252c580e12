"""Where the key comes from: a variable, a file, the keyring; and what each refuses."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest
from keyring.backend import KeyringBackend

from dbsync.errors import ConfigError, DbsyncError
from dbsync.registry.key_sources import EnvironmentKeys, FileKeys, KeyringKeys, key_source
from dbsync.registry.keys import KeyRing, new_key

OLD, NEW = "ab0123456789cdef" * 4, "0123456789abcdef" * 4


class Memory(KeyringBackend):
    """A keyring that lives as long as the test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    yield
    keyring.set_keyring(before)


def test_the_variable_beats_the_named_file_beats_the_file_beside_the_store(tmp_path: Path):
    beside, named = tmp_path / "store.key", tmp_path / "named"
    assert key_source(beside, {}) == FileKeys(beside)
    assert key_source(beside, {"DBSYNC_KEY_FILE": str(named)}) == FileKeys(named)
    environ = {"DBSYNC_KEY": f"{NEW}, {OLD}", "DBSYNC_KEY_FILE": str(named)}
    found = key_source(beside, environ)
    assert isinstance(found, EnvironmentKeys)
    assert [key.text for key in found.load()] == [NEW, OLD]
    assert key_source(beside, {"DBSYNC_KEY": "keyring:"}) == KeyringKeys("store")
    with pytest.raises(ConfigError, match="home directory ~nosuchuser is not known"):
        key_source(beside, {"DBSYNC_KEY_FILE": "~nosuchuser/key"})
    assert key_source(beside, {"DBSYNC_KEY": "keyring:team"}) == KeyringKeys("team")


@pytest.mark.parametrize("text", ["a passphrase", f"{NEW},", f"{NEW},rubbish", ","])
def test_a_variable_that_holds_anything_but_keys_is_refused(text: str, tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        key_source(tmp_path / "key", {"DBSYNC_KEY": text})
    assert caught.value.code == "BAD_KEY"
    assert not (tmp_path / "key").exists()


@pytest.fixture(params=["file", "keyring"])
def source(request: pytest.FixtureRequest, tmp_path: Path, memory: object) -> FileKeys | KeyringKeys:
    return FileKeys(tmp_path / "new" / "store.key") if request.param == "file" else KeyringKeys("store")


def test_the_first_key_is_made_once_and_one_more_added_once(source):
    assert source.load() == ()
    first = source.create()
    assert source.create() == first == source.load()
    key = new_key()
    assert source.add(key) == (key, *first)
    assert source.add(new_key()) == (key, *first)


def test_of_many_that_make_the_first_key_at_once_all_have_the_same_and_none_loses_one(
    source: FileKeys | KeyringKeys, monkeypatch: pytest.MonkeyPatch
):
    """Whatever was returned may have sealed something already."""
    read = Memory.get_password

    def read_slowly(self: Memory, service: str, username: str) -> str | None:
        found = read(self, service, username)
        time.sleep(0.02)
        return found

    monkeypatch.setattr(Memory, "get_password", read_slowly)
    with ThreadPoolExecutor(4) as pool:
        made = [each.result() for each in [pool.submit(source.create) for _ in range(4)]]
        assert set(made) == {source.load()}
        added = [each.result() for each in [pool.submit(source.add, new_key()) for _ in range(4)]]
        assert set(added) == {source.load()}
        both = source.load()
        for each in [pool.submit(source.retire, (key,)) for key in (both[1], both[1])]:
            each.result()
    assert (source.load(), source.retired()) == (both[:1], both[1:])


def test_a_retired_key_still_opens_and_seals_no_more(source):
    ring = KeyRing(source)
    old = ring.first()
    new = source.add(new_key())[0]
    source.retire((old,))
    source.retire((old,))
    assert source.load() == (new,)
    assert source.retired() == (old,)
    fresh = KeyRing(source)
    assert fresh.first() == new
    assert fresh.key(old.id) == old
    with pytest.raises(ConfigError, match="does not hold the key 0000"):
        fresh.key("0000")


def test_a_ring_sees_keys_that_came_later(source):
    ring = KeyRing(source)
    ring.first()
    added = source.add(new_key())[0]
    assert ring.key(added.id) == added


@pytest.mark.parametrize("content", ["", "# only a comment\n", "rubbish\n", f"{NEW}\nrubbish\n", "\x00" * 64, "ü"])
def test_a_file_without_keys_is_refused_and_not_overwritten(content: str, tmp_path: Path):
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    for act in (FileKeys(path).load, FileKeys(path).create):
        with pytest.raises(ConfigError) as caught:
            act()
        assert caught.value.code == "BAD_KEY"
        assert "rubbish" not in caught.value.message
    assert path.read_text() == content


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "key").mkdir()
    with pytest.raises(DbsyncError, match="is a directory") as caught:
        FileKeys(tmp_path / "key").load()
    assert caught.value.code == "KEY_FILE"


def test_a_machine_without_a_keyring_says_so(monkeypatch: pytest.MonkeyPatch):
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        with pytest.raises(ConfigError) as caught:
            KeyringKeys("store").load()
    finally:
        keyring.set_keyring(before)
    assert caught.value.code == "NO_KEYRING"
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setitem(sys.modules, "keyring.errors", None)
    with pytest.raises(ConfigError) as caught:
        KeyringKeys("store").create()
    assert (caught.value.code, caught.value.hint) == ("NO_KEYRING", "pip install keyring")
