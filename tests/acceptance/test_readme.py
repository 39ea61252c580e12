"""Every session that the documents show is run for real, and prints what they say.

``python -m tests.fixtures.sessions docs/tutorial.md`` writes what is printed now into a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.sessions import normal, own_home, run_page

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "```console" in page.read_text()
)


@pytest.fixture
def home(run_directory: Path) -> Iterator[Path]:
    """A home of its own, whose embedded servers are gone at the end."""
    with own_home(run_directory) as path:
        yield path


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_really_happens(page: str, home: Path, tmp_path: Path) -> None:
    for step, printed in run_page((ROOT / page).read_text(), tmp_path, home=home):
        assert normal(printed) == normal(step.expected or ""), f"{page}, line {step.line}: $ {step.command}\n{printed}"
