"""The reference pages are those that the program would write now."""

from __future__ import annotations

from pathlib import Path

from dbsync.cli.reference import pages, write

_DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"


def test_the_reference_is_fresh():
    written = {
        path.name: path.read_text(encoding="utf-8") for path in _DIRECTORY.glob("*.md") if path.name != "http.md"
    }
    assert written == pages(), "run: make docs"


def test_writing_the_reference_removes_the_page_of_a_command_that_is_gone_and_nothing_else(tmp_path):
    gone = pages()["audit.md"].replace("dbsync audit", "dbsync gone")
    others = {"http.md": gone.partition("#")[0] + "# HTTP\n", "notes.md": "# dbsync\n", "page.txt": gone}
    for name, text in {**others, "gone.md": gone}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    write(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {**others, **pages()}


def test_the_reference_names_every_option():
    text = pages()
    assert "`--statement-timeout DURATION`" in text["execute.md"]
    assert "`-h, --help`" in text["index.md"]
    assert text["events.md"].count("## table_progress") == 1
    assert "| `CONSENT_MISSING` | 4 |" in text["errors.md"]
