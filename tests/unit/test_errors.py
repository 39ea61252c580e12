"""What every error of the tree has: a code, an exit code, a message and something to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbsync.errors import DbsyncError


def _kinds(kind: type[DbsyncError] = DbsyncError) -> Iterator[type[DbsyncError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


@pytest.mark.parametrize("kind", list(_kinds()))
def test_every_kind_of_error_says_what_happened_and_what_to_do(kind: type[DbsyncError]) -> None:
    assert kind.code == kind.code.upper()
    assert kind.__doc__
    assert kind.advice


def test_a_hint_of_its_own_comes_before_what_helps_with_every_error_of_the_kind() -> None:
    assert DbsyncError("it failed", hint="mend it").to_dict()["hint"] == "mend it"
    assert DbsyncError("it failed").to_dict()["hint"] == DbsyncError.advice
