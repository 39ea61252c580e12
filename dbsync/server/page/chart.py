"""PURE: rows over time as the points of a small line chart, which a template draws as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 150
_MOST_POINTS = 300
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines, one for each attempt, each a list of ``x,y``; what the axes end at; what it shows in words."""

    lines: tuple[str, ...]
    seconds: float
    rows: int
    attempts: int


def chart_of(progress: Sequence[tuple[float, int, int]]) -> Chart | None:
    """Draw (time, attempt, rows); None where there is nothing to draw. Waits between attempts take no room."""
    attempts = sorted({attempt for _, attempt, _ in progress})
    runs = [[(at, rows) for at, number, rows in progress if number == attempt] for attempt in attempts]
    runs = [run for run in runs if len(run) >= _FEWEST]
    most = max((rows for run in runs for _, rows in run), default=0)
    length = sum(run[-1][0] - run[0][0] for run in runs)
    if not runs or most <= 0 or length <= 0:
        return None
    lines, passed = [], 0.0
    for run in runs:
        begun = run[0][0]
        points = [((passed + at - begun) / length * WIDTH, HEIGHT - rows / most * HEIGHT) for at, rows in thinned(run)]
        lines.append(" ".join(f"{x:.1f},{y:.1f}" for x, y in points))
        passed += run[-1][0] - begun
    return Chart(lines=tuple(lines), seconds=length, rows=most, attempts=len(attempts))


def thinned(run: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """At most so many points, always with the first and the last."""
    step = -(-len(run) // _MOST_POINTS)
    return [*run[:-1:step], run[-1]]
