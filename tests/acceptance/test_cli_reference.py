"""The reference pages are those that the program would write now."""

from __future__ import annotations

from pathlib import Path

from dbsync.cli.reference import pages

_DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"


def test_the_reference_is_fresh():
    written = {
        path.name: path.read_text(encoding="utf-8") for path in _DIRECTORY.glob("*.md") if path.name != "http.md"
    }
    assert written == pages(), "run: make docs"


def test_the_reference_names_every_option():
    text = pages()
    assert "`--statement-timeout DURATION`" in text["execute.md"]
    assert "`-h, --help`" in text["index.md"]
    assert text["events.md"].count("## table_progress") == 1
    assert "| `CONSENT_MISSING` | 4 |" in text["errors.md"]
