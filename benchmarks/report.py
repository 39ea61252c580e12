"""The arithmetic of a comparison, and the page: medians, ratios, Markdown tables, the machine.

A ratio is the median of the ratios of each round, not the ratio of two medians.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.servers import Sample

BEGIN, END = "<!-- written by make bench -->", "<!-- end of what make bench writes -->"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the targets: what was measured against what must and what should be reached."""

    measure: str
    value: float
    must: float
    goal: float
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Where the value lies."""
        return "goal" if self.value <= self.goal else "must" if self.value <= self.must else "**missed**"


@dataclass(frozen=True, slots=True)
class Section:
    """What one case found: a heading, what was compared, a table, targets."""

    title: str
    about: str
    table: Sequence[Sequence[str]]
    targets: Sequence[Target] = ()


@dataclass(frozen=True, slots=True)
class Race:
    """The samples of each engine, by round."""

    samples: Mapping[str, Sequence[Sample]]

    def ratio(self, engine: str, against: str) -> float:
        """Return the median over the rounds of one engine's wall time divided by the other's."""
        pairs = zip(self.samples[engine], self.samples[against], strict=True)
        return median(ours.wall / theirs.wall for ours, theirs in pairs)

    def peak(self, engine: str) -> float:
        """Return the largest peak memory of the engine's runs, in MB."""
        return max(sample.rss_mb for sample in self.samples[engine])

    def servers(self, engine: str) -> float:
        """Return the median of both servers' processor time, in seconds."""
        return median(sample.servers for sample in self.samples[engine])

    def busy(self, engine: str) -> float:
        """Return the median of how much of the machine's processor time the clients and both servers took, up to 1."""
        return median((one.cpu + one.servers) / one.wall for one in self.samples[engine]) / (os.cpu_count() or 1)

    def table(self, *baselines: str) -> list[list[str]]:
        """Return the rows of the table; baselines that did not take part are left out."""
        present = [name for name in baselines if name in self.samples]
        head = ["engine", "wall s", "fastest", "client CPU s", "servers CPU s", "of all cores", "peak RSS MB"]
        rows = [head + [f"x {name}" for name in present]]
        for engine, samples in self.samples.items():
            walls = [sample.wall for sample in samples]
            cells = [engine, f"{median(walls):.2f}", f"{min(walls):.2f}"]
            cells += [f"{median(sample.cpu for sample in samples):.2f}", f"{self.servers(engine):.2f}"]
            cells += [f"{100 * self.busy(engine):.0f} %", f"{self.peak(engine):.0f}"]
            rows.append(cells + [f"{self.ratio(engine, name):.2f}" for name in present])
        return rows


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first row is its head, numbers stand to the right."""
    head, *body = rows
    right = [all(re.fullmatch(r"-?[\d.,]+( (s|MB|%))?", row[column]) for row in body) for column in range(len(head))]
    rule = ["---:" if number else "---" for number in right]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *body])


def page(sections: Sequence[Section], *, setting: str) -> str:
    """Return the whole result as Markdown."""
    targets = [target for section in sections for target in section.targets]
    parts = [f"Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {setting}"]
    if targets:
        rows = [["measure", "ours", "must", "goal", "reached"]]
        rows += [
            [one.measure, f"{one.value:.2f}{one.unit}", f"<= {one.must:g}", f"<= {one.goal:g}", one.verdict]
            for one in targets
        ]
        parts += ["### Targets", markdown_table(rows)]
    for section in sections:
        parts += [f"### {section.title}", section.about, markdown_table(section.table)]
    return "\n\n".join(parts) + "\n"


def write_into(path: Path, text: str) -> None:
    """Put the result between the two marks of a page."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path.name} has no lines {BEGIN} and {END}: the result goes between them")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def machine() -> str:
    """Say what the numbers were taken on."""
    cpu = re.search(r"model name\s*: (.*)", _read("/proc/cpuinfo"))
    cores = _read("/proc/cpuinfo").count("processor\t")
    memory = re.search(r"MemTotal:\s*(\d+) kB", _read("/proc/meminfo"))
    return ", ".join(
        (
            f"{cores} x {cpu[1] if cpu else platform.machine()}",
            f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "memory unknown",
            f"{platform.system()} {platform.release().split('-')[0]}",
            f"Python {platform.python_version()}",
        )
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
