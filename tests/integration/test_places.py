"""Which database a request means: what was found is remembered only as long as nobody has written to the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from dbsync.registry import Registry, key_ring
from dbsync.registry.allowed import AllowList, HostNotAllowed
from dbsync.registry.model import Changes
from dbsync.server.auth import Caller
from dbsync.server.faults import Fault
from dbsync.server.limits import Breakers
from dbsync.server.places import Places
from dbsync.store import open_store, store_place
from dbsync.urls import parse_url

ALICE, BOB = Caller(owner="alice"), Caller(owner="bob")


@dataclass
class Ground:
    """Places over a store, and the registry of another process over the same store."""

    places: Places
    registry: Registry
    others: Registry


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    place = store_place(environ={"XDG_STATE_HOME": str(tmp_path / "state")})
    with closing(open_store(place)) as mine, closing(open_store(place)) as theirs:
        own, others = (Registry(store, key_ring(place)) for store in (mine, theirs))
        allowed = AllowList.parse(["127.0.0.1", "127.0.0.2"])
        places = Places(own, allowed, Breakers(), None, blobs=False, shadows=False)
        yield Ground(places, own, others)


def test_what_is_asked_again_is_not_read_again(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = ground.others.add("alice", "here", parse_url("postgresql://u:p@127.0.0.1/one"))
    first = ground.places.find(ALICE, saved.id)
    monkeypatch.setattr(ground.registry, "find", lambda *_: pytest.fail("the store was asked"))
    assert ground.places.find(ALICE, saved.id) == first
    assert first.url.addresses == ("127.0.0.1",)


def test_a_change_by_another_process_holds_at_once(ground: Ground) -> None:
    saved = ground.others.add("alice", "here", parse_url("postgresql://u:p@127.0.0.1/one"))
    for name in ("two", "three"):
        assert ground.places.find(ALICE, saved.id).url.dbname != name
        ground.others.edit("alice", saved.id, Changes(url=parse_url(f"postgresql://u:p@127.0.0.2/{name}")))
        found = ground.places.find(ALICE, saved.id)
        assert (found.url.dbname, found.url.addresses) == (name, ("127.0.0.2",))
    ground.registry.edit("alice", saved.id, Changes(protected=True))  # and one by this process
    assert ground.places.find(ALICE, saved.id).url.protected
    ground.others.edit("alice", saved.id, Changes(url=parse_url("postgresql://u:p@127.0.0.3/four")))
    with pytest.raises(HostNotAllowed):
        ground.places.find(ALICE, saved.id)
    ground.others.remove("alice", saved.id)
    with pytest.raises(Fault, match="Connection not found"):
        ground.places.find(ALICE, saved.id)


def test_what_one_owner_has_found_another_does_not(ground: Ground) -> None:
    saved = ground.others.add("alice", "here", parse_url("postgresql://u:p@127.0.0.1/one"))
    for _ in range(2):
        assert ground.places.find(ALICE, saved.id).owner == "alice"
        with pytest.raises(Fault, match="Connection not found"):
            ground.places.find(BOB, saved.id)
