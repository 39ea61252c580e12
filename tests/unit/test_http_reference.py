"""The page about the HTTP routes says what the routes say."""

from __future__ import annotations

from pathlib import Path

from dbsync.server.reference import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "reference" / "http.md").read_text() == page(), "run make docs"
