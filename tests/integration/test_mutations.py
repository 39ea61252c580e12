"""Random schema changes: many kinds are made, the same seed makes the same, and the judge sees what they did."""

from __future__ import annotations

from pathlib import Path

import dbsync
from tests.fixtures import dumpjudge
from tests.fixtures.databases import fresh_database
from tests.fixtures.diffcases import make_case_roles
from tests.fixtures.mutation_kinds import KINDS
from tests.fixtures.mutation_kinds_rare import RARE_KINDS
from tests.fixtures.mutations import mutate

_SHOP = (Path(dbsync.__file__).parent / "demo" / "shop_schema.sql").read_text(encoding="utf-8")


def test_the_same_seed_makes_the_same_changes(pg_a) -> None:
    make_case_roles(pg_a)
    with fresh_database(pg_a) as one, fresh_database(pg_a) as other:
        for database in (one, other):
            database.execute(_SHOP)
        before = dumpjudge.take(pg_a.bindir, one.url)
        made = mutate(one.url, 40, seed=1)
        assert len(made) == 40
        assert mutate(other.url, 40, seed=1) == made
        after = dumpjudge.take(pg_a.bindir, one.url)
        assert dumpjudge.compare(after, dumpjudge.take(pg_a.bindir, other.url)).equal
        assert len(dumpjudge.compare(before, after).differences) > 20


def test_most_kinds_of_change_can_be_made(pg_a) -> None:
    make_case_roles(pg_a)
    done: set[str] = set()
    for seed in range(6):
        with fresh_database(pg_a) as database:
            database.execute(_SHOP)
            done |= {mutation.kind for mutation in mutate(database.url, 150, seed)}
    names = {kind.name for kind in (*KINDS, *RARE_KINDS)}
    assert len(names) == len(KINDS) + len(RARE_KINDS)
    assert len(done & names) > len(names) * 0.8, sorted(names - done)
