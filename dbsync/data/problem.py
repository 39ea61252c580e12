"""PURE: what stands in the way of a sync, or is worth knowing before it, as values instead of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbsync.data.rules import RULES, Rule, Severity
from dbsync.errors import Refused
from dbsync.model import TableName

__all__ = ["RULES", "Problem", "Rule", "Severity", "refused"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fact about one place. ``message`` is a sentence that can stand alone; ``name``: another object's name.

    ``sides`` is what the source and what the target has, where the two are to be held against each other.
    """

    rule: Rule
    message: str
    table: TableName | None = None
    column: str | None = None
    name: str | None = None
    sides: tuple[str | None, str | None] | None = None

    def __str__(self) -> str:
        return self.message


def refused(problems: Sequence[Problem]) -> Refused:
    """The refusal that names what forbids a run."""
    more = f" (and {len(problems) - 1} more)" if problems[1:] else ""
    return Refused(
        f"{problems[0]}{more}",
        hint=RULES[problems[0].rule].recommendation,
        details={"refusals": list(map(str, problems))},
    )
