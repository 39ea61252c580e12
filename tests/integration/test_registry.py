"""Saved connections on both engines: sealed, each owner's apart, guarded, and readable through any rotation."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbsync.errors import ConfigError, DbsyncError, Refused
from dbsync.guards import require_consent
from dbsync.registry import Changes, Labels, Registry, key_ring, open_registry
from dbsync.registry.key_sources import FileKeys
from dbsync.registry.lookup import open_saved
from dbsync.registry.rotation import rotate
from dbsync.store import StorePlace, store_place, tables
from dbsync.urls import parse_url
from tests.fixtures.databases import Database

PASSWORD = "s3cr3t-c4nary"
URL = parse_url(f"postgresql://app:{PASSWORD}@db.example.com:6543/shop?sslmode=require")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorePlace:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if request.param == "sqlite":
        return store_place()
    database: Database = request.getfixturevalue("target_db")
    return StorePlace(name="pg", url=parse_url(database.url))


@pytest.fixture
def registry(place: StorePlace) -> Iterator[Registry]:
    with open_registry(place) as opened:
        yield opened


def rows(registry: Registry) -> list[sa.RowMapping]:
    with registry.store.read() as work:
        return list(work.execute(sa.select(tables.connection)).mappings())


def set_row(registry: Registry, connection_id: str, **values: object) -> None:
    with registry.store.write() as work:
        work.execute(sa.update(tables.connection).where(tables.connection.c.id == connection_id).values(**values))


def add_job(registry: Registry, connection_id: str, state: str) -> None:
    texts = dict.fromkeys(("origin", "source_name", "target_name", "spec"), "")
    numbers = dict.fromkeys(("priority", "attempts", "created_at", "updated_at", "events"), 0)
    job = {"id": "j", "owner": "ada", "source_id": connection_id, "target_id": connection_id, "state": state}
    with registry.store.write() as work:
        work.execute(sa.insert(tables.job).values(**job, **texts, **numbers))


def test_a_saved_database_comes_back_whole_under_its_name(registry: Registry, place: StorePlace) -> None:
    registry.add("ada", "shop", URL, labels=Labels(environment="staging"))
    with open_registry(place) as again:
        found = again.resolve("ada", "shop")
    assert found.parameters() == URL.parameters()
    assert (found.name, found.configured_as, found.environment) == ("shop", "shop", "staging")


def test_nothing_readable_of_the_url_is_in_the_store_or_the_key_file(registry: Registry, tmp_path: Path) -> None:
    registry.add("ada", "shop", URL)
    registry.keep_unnamed("ada", URL)
    for row in rows(registry):
        assert b"example.com" not in row["sealed"]
        assert PASSWORD not in str(dict(row))
    for file in (tmp_path / "state").rglob("*"):
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes()
            assert b"db.example.com" not in file.read_bytes()


def test_another_owner_finds_changes_and_removes_nothing_and_may_use_the_same_name(registry: Registry) -> None:
    mine = registry.add("ada", "shop", URL)
    for reference in ("shop", mine.id):
        assert registry.find("bob", reference) is None
        for act in (registry.get, registry.remove, registry.resolve, lambda o, r: registry.edit(o, r, Changes())):
            with pytest.raises(ConfigError) as caught:
                act("bob", reference)
            assert caught.value.code == "NO_SUCH_CONNECTION"
            assert "shop" not in (caught.value.message + (caught.value.hint or ""))
    registry.add("bob", "shop", replace(URL, dbname="other"))
    assert registry.resolve("ada", "shop").dbname == "shop"
    assert registry.resolve("bob", "shop").dbname == "other"
    assert [known.owner for known in registry.list("bob")] == ["bob"]
    assert len(registry.list(None)) == 2


def test_a_name_is_taken_once_and_must_not_look_like_anything_else(registry: Registry) -> None:
    mine = registry.add("ada", "shop", URL)
    registry.add("ada", "Ben's shop (old)", URL)
    with pytest.raises(ConfigError, match="already") as caught:
        registry.add("ada", "shop", URL)
    assert caught.value.code == "NAME_TAKEN"
    for name in ("", " x", "-x", "env:X", "a/b", "u@h", "x=y", "a\nb", mine.id, "x" * 256):
        with pytest.raises(ConfigError, match="cannot be called so"):
            registry.add("ada", name, URL)


def test_an_edit_changes_what_it_names_and_no_more(registry: Registry) -> None:
    before = registry.add("ada", "shop", URL, labels=Labels(environment="production", protected=True))
    after = registry.edit("ada", "shop", Changes(name="store", environment="none", keep_alive=True))
    assert (after.id, after.name, after.labels) == (before.id, "store", Labels(protected=True, keep_alive=True))
    assert registry.resolve("ada", "store").parameters() == URL.parameters()
    registry.edit("ada", before.id, Changes(url=replace(URL, port=7777), protected=False))
    changed = registry.resolve("ada", "store")
    assert (changed.port, changed.protected) == (7777, False)
    registry.add("ada", "other", URL)
    with pytest.raises(ConfigError, match="already"):
        registry.edit("ada", "store", Changes(name="other"))


def test_a_sealed_url_moved_to_another_record_owner_or_version_does_not_open(registry: Registry) -> None:
    mine = registry.add("ada", "shop", URL)
    other = registry.add("bob", "shop", URL)
    second = registry.add("ada", "second", URL)
    for connection_id, values in (
        (second.id, {"sealed": mine.sealed}),
        (other.id, {"sealed": mine.sealed}),
        (mine.id, {"version": 2}),
        (mine.id, {"version": 1, "owner": "bob", "name": "stolen"}),
    ):
        set_row(registry, connection_id, **values)
    for owner, name in (("ada", "second"), ("bob", "shop"), ("bob", "stolen")):
        with pytest.raises(DbsyncError) as caught:
            registry.resolve(owner, name)
        assert caught.value.code == "SEAL_BROKEN"


def test_the_guards_hold_for_a_saved_name_as_for_one_of_the_config_file(registry: Registry) -> None:
    registry.add("ada", "prod", URL, labels=Labels(environment="production"))
    registry.add("ada", "source", URL, labels=Labels(read_only=True))
    with pytest.raises(Refused, match="prod is a production database"):
        require_consent(registry.resolve("ada", "prod"), yes=True, confirm=None, ask=None)
    require_consent(registry.resolve("ada", "prod"), yes=False, confirm="prod", ask=None)
    with pytest.raises(Refused, match="read_only"):
        require_consent(registry.resolve("ada", "source"), yes=True, confirm="source", ask=None)


def test_a_url_given_in_full_is_kept_once_with_its_labels(registry: Registry) -> None:
    protected = replace(URL, protected=True, configured_as="prod")
    first = registry.keep_unnamed("ada", URL)
    assert registry.keep_unnamed("ada", URL) == first
    second = registry.keep_unnamed("ada", protected)
    assert len({first, second, registry.keep_unnamed("bob", URL)}) == 3
    found = registry.resolve("ada", second)
    assert (found.protected, found.configured_as, found.name) == (True, "prod", URL.name)
    assert PASSWORD not in found.name
    assert found.parameters() == URL.parameters()
    assert registry.list("ada") == ()


def test_of_many_that_keep_one_url_at_once_all_have_one_id_for_it(registry: Registry) -> None:
    """Jobs with one target are told by the target's id."""
    together, kept = threading.Barrier(4), set[str]()

    def keep() -> None:
        together.wait()
        kept.add(registry.keep_unnamed("ada", URL))

    threads = [threading.Thread(target=keep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == len(rows(registry)) == 1


def test_a_saved_connection_is_its_own_keeping(registry: Registry) -> None:
    saved = registry.add("ada", "shop", URL)
    assert registry.keep_unnamed("ada", registry.resolve("ada", "shop")) == saved.id
    assert registry.keep_unnamed("bob", registry.resolve("ada", "shop")) != saved.id


def test_a_connection_that_a_job_needs_stays_and_one_of_the_past_loses_its_url(registry: Registry) -> None:
    saved = registry.add("ada", "shop", URL)
    add_job(registry, saved.id, "paused")
    with pytest.raises(Refused) as caught:
        registry.remove("ada", "shop")
    assert caught.value.code == "IN_USE"
    registry.remove("ada", "shop", force=True)
    assert registry.list("ada") == ()
    (row,) = rows(registry)
    assert (row["name"], row["sealed"]) == (None, b"")
    with pytest.raises(ConfigError, match="was removed"):
        registry.resolve("ada", saved.id)
    assert rotate(registry).resealed == 0
    unused = registry.add("ada", "shop", URL)
    registry.remove("ada", unused.id)
    assert len(rows(registry)) == 1


def test_what_was_kept_for_jobs_that_are_gone_is_forgotten_after_an_hour(registry: Registry) -> None:
    used, unused = registry.keep_unnamed("ada", URL), registry.keep_unnamed("bob", URL)
    registry.add("ada", "shop", URL)
    add_job(registry, used, "succeeded")
    assert registry.forget_unused() == 0
    for connection_id in (used, unused):
        set_row(registry, connection_id, updated_at=0.0)
    assert registry.keep_unnamed("bob", URL) == unused
    assert registry.forget_unused() == 0
    set_row(registry, unused, updated_at=0.0)
    assert registry.forget_unused() == 1
    assert {row["id"] for row in rows(registry)} >= {used}
    assert len(rows(registry)) == 2


def test_looking_makes_no_store_and_no_key(place: StorePlace, tmp_path: Path) -> None:
    with open_saved(place) as saved:
        assert saved is None
    assert not (tmp_path / "state").exists()


def test_a_place_that_a_saved_connection_guards_is_guarded_however_it_is_reached(
    registry: Registry, place: StorePlace
) -> None:
    registry.add("local", "prod", URL, labels=Labels(environment="production"))
    registry.add("bob", "theirs", replace(URL, dbname="x"), labels=Labels(read_only=True))
    with open_saved(place) as saved:
        assert saved is not None
        reached = saved.guarded(parse_url("postgresql://other@DB.example.com:6543/shop"))
        assert (reached.needs_confirmation, reached.confirmation) == (True, "prod")
        assert not saved.guarded(replace(URL, dbname="x")).read_only
        assert saved.names() == ("prod",)
        assert saved.find("theirs") is None
        with pytest.raises(ConfigError) as caught:
            saved.find("prud")
        assert caught.value.hint == "did you mean prod?"


def test_the_first_key_is_one_whoever_makes_it(place: StorePlace) -> None:
    with open_registry(place):
        pass
    failed: list[BaseException] = []

    def add(number: int) -> None:
        try:
            with open_registry(place) as registry:
                registry.add("ada", f"n{number}", URL)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with open_registry(place) as registry:
        assert len(registry.key_ids()) == 1
        assert [registry.url(known).dbname for known in registry.list("ada")] == ["shop"] * 4


def test_the_key_file_is_private_and_refused_when_it_is_not(registry: Registry, place: StorePlace) -> None:
    registry.add("ada", "shop", URL)
    source = key_ring(place).source
    assert isinstance(source, FileKeys)
    assert source.path.stat().st_mode & 0o777 == 0o600
    for mode in (0o644, 0o640, 0o602):
        source.path.chmod(mode)
        with open_registry(place) as again, pytest.raises(Refused) as caught:
            again.resolve("ada", "shop")
        assert caught.value.code == "KEY_NOT_PRIVATE"
    source.path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(source.path, 12345, -1)
        with open_registry(place) as again, pytest.raises(Refused, match="not a file of this user"):
            again.resolve("ada", "shop")


def test_a_machine_without_the_key_neither_reads_nor_writes_nor_makes_another(
    registry: Registry, place: StorePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add("ada", "shop", URL)
    monkeypatch.setenv("DBSYNC_KEY_FILE", str(tmp_path / "elsewhere"))
    with open_registry(place) as stranger:
        assert [known.name for known in stranger.list("ada")] == ["shop"]
        for act in (
            lambda: stranger.resolve("ada", "shop"),
            lambda: stranger.add("ada", "two", URL),
            lambda: rotate(stranger),
        ):
            with pytest.raises(ConfigError) as caught:
                act()
            assert caught.value.code == "NO_KEY"
    assert not (tmp_path / "elsewhere").exists()


def test_a_rotation_puts_everything_under_a_new_key_and_old_copies_still_open(registry: Registry) -> None:
    for number in range(3):
        registry.add("ada", f"n{number}", URL)
    unnamed = registry.keep_unnamed("bob", URL)
    copies = registry.list("ada")
    (old,) = registry.key_ids()
    done = rotate(registry)
    assert (done.resealed, done.retired, done.taken_up, done.left_to_do) == (4, (old,), False, None)
    assert registry.key_ids() == {done.key_id}
    assert [key.id for key in registry.ring.all()] == [done.key_id]
    assert registry.resolve("bob", unnamed).parameters() == URL.parameters()
    for known in (*registry.list("ada"), *copies):
        assert registry.url(known).parameters() == URL.parameters()


def test_nothing_is_sealed_under_a_key_that_is_not_kept(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.add("ada", "one", URL)
    monkeypatch.setattr(FileKeys, "add", lambda self, key: (key, *self.load()))
    with pytest.raises(ConfigError, match="no connection was changed"):
        rotate(registry)
    assert registry.key_ids() == {known.key_id}
    assert registry.add("ada", "two", URL).key_id == known.key_id


def test_who_has_the_store_open_during_a_rotation_goes_on_under_the_new_key(
    registry: Registry, place: StorePlace
) -> None:
    registry.add("ada", "before", URL)
    with open_registry(place) as other:
        assert other.resolve("ada", "before").dbname == "shop"
        done = rotate(registry)
        assert other.add("ada", "after", URL).key_id == done.key_id
        assert other.resolve("ada", "before").dbname == "shop"
    assert rotate(registry).resealed == 2


def test_what_is_saved_while_keys_are_rotated_opens_afterwards(registry: Registry, place: StorePlace) -> None:
    registry.add("ada", "first", URL)
    failed: list[BaseException] = []
    over = threading.Event()

    def write(owner: str) -> None:
        try:
            with open_registry(place) as mine:
                for number in itertools.count():
                    mine.add(owner, f"n{number}", URL)
                    mine.edit(owner, f"n{number // 2}", Changes(url=replace(URL, port=number + 1)))
                    if over.is_set():
                        return
        except BaseException as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(owner,)) for owner in ("bob", "eve")]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            with open_registry(place) as other:
                rotate(other)
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert failed == []
    assert len(registry.list("bob")) * len(registry.list("eve")) > 0
    with open_registry(place) as fresh:
        assert {fresh.url(known).dbname for known in fresh.list(None)} == {"shop"}
        assert fresh.key_ids() == {fresh.ring.first().id}  # nothing was sealed under a key that was on its way out


def test_the_variables_first_key_is_rotated_to_and_the_old_one_may_then_go(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = "ab0123456789cdef" * 4, "0123456789abcdef" * 4
    monkeypatch.setenv("DBSYNC_KEY", old)
    with open_registry(place) as registry:
        registry.add("ada", "shop", URL)
        with pytest.raises(ConfigError, match="none to rotate to"):
            rotate(registry)
    monkeypatch.setenv("DBSYNC_KEY", f"{new},{old}")
    with open_registry(place) as registry:
        registry.add("ada", "two", URL)
        done = rotate(registry)
        assert (done.resealed, len(done.retired)) == (2, 1)
        assert "DBSYNC_KEY" in (done.left_to_do or "")
    monkeypatch.setenv("DBSYNC_KEY", new)
    with open_registry(place) as registry:
        assert registry.resolve("ada", "shop").dbname == registry.resolve("ada", "two").dbname == "shop"
