"""What fault tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import ledger
from tests.faults.arena import Arena
from tests.faults.proxy import Proxy
from tests.fixtures.command import Command


@pytest.fixture
def arena(pairs, dbsync: Command) -> Iterator[Arena]:
    """The ledger's data on both sides, the target's still old."""
    pair = pairs(ledger.SCHEMA, ledger.ROWS, ledger.ROWS)
    with Proxy(pair.source) as source, Proxy(pair.target) as target:
        yield Arena(pair, source, target, dbsync)
