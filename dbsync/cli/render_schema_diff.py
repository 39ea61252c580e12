"""What a comparison of schemas says to people, to GitHub and to CI systems."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbsync.cli.annotations import annotation
from dbsync.cli.junit import Case, Outcome, junit
from dbsync.cli.tables import markdown_table
from dbsync.cli.terminal import escape
from dbsync.schema.choice import home_of
from dbsync.schema.objects import Grant
from dbsync.schema.telling import SIGNS, Group, Told, grants_in_words, summary_of, tell
from dbsync.schema.uncompared import Uncompared
from dbsync.schema_diff import SchemaComparison

_WORDS = {"create": "to create", "change": "to change", "drop": "to drop"}
_WIDEST = 160
_UNCOUNTED = frozenset({"statistics", "default_privileges", "column_order"})  # no plural of their own


class Shown:
    """A comparison, told once and rendered in every format that was asked for.

    What was not compared is a failure where it alone makes the command fail: under ``strict``.
    """

    def __init__(self, comparison: SchemaComparison, *, stat: bool, strict: bool = False) -> None:
        self.comparison, self.stat, self.strict = comparison, stat, strict
        self.groups = tell(comparison.diff, comparison.source, comparison.target)
        self.summary = summary_of(self.groups)

    def text(self) -> Iterator[str]:
        """Yield one line with the numbers, then what differs, table by table."""
        yield self.sentence() + "\n"
        for group in self.groups:
            if self.stat:
                yield f"{_head(group)}{_counts(group)}\n"
            else:
                yield from (f"{line}\n" for line in _group_lines(group))
        yield from (f"{line}\n" for line in self._remarks())

    def markdown(self) -> Iterator[str]:
        """Yield a paragraph with the numbers, a table, and the details as a diff."""
        yield f"{self.sentence()}\n"
        if self.groups:
            yield "\n"
            rows = [(SIGNS[group.verb], str(group.home), _counts(group).strip(" ()")) for group in self.groups]
            yield from markdown_table(("", "object", "inside"), rows)
        if self.groups and not self.stat:
            lines = [line for group in self.groups for line in _group_lines(group)]
            fence = "`" * max(3, 1 + max(_longest_ticks(line) for line in lines))
            yield f"\n{fence}diff\n"
            yield from (f"{line}\n" for line in lines)
            yield f"{fence}\n"
        remarks = [(one.kind, str(one.count), one.reason) for one in self.comparison.not_compared]
        if remarks:
            yield "\n"
            yield from markdown_table(("not compared", "count", "reason"), remarks)

    def github(self) -> Iterator[str]:
        """Yield an annotation for each table or object that differs, and one with the result."""
        for group in self.groups:
            lines = [_head(group)] if self.stat else list(_group_lines(group))
            yield annotation("error", "\n".join(lines), title="schema differs", file=str(group.home))
        for one in self.comparison.not_compared:
            yield annotation("error" if self.strict else "warning", uncompared_line(one), title="not compared")
        yield annotation("notice", self.sentence(), title="dbsync diff")

    def cases(self) -> list[Case]:
        """One test case for each object that stands alone, on either side."""
        failed = {group.home: group for group in self.groups}
        found = []
        for home in sorted(_homes(self.comparison) | failed.keys()):
            if home in failed:
                text = "" if self.stat else "\n".join(_group_lines(failed[home]))
                found.append(Case(name=str(home), outcome="failure", message=_head(failed[home]), text=text))
            else:
                found.append(Case(name=str(home)))
        for one in self.comparison.not_compared:
            outcome: Outcome = "failure" if self.strict else "skipped"
            found.append(Case(name=f"not compared: {one.kind}", outcome=outcome, message=uncompared_line(one)))
        return found

    def junit(self) -> str:
        """Return the cases as a document."""
        return junit("dbsync.diff", self.cases())

    def sentence(self) -> str:
        """The whole comparison in one line."""
        if not self.groups:
            count = len(self.comparison.source.objects)
            same = f"the schemas are the same ({count:,} {'object' if count == 1 else 'objects'})"
            kinds = sum(one.count for one in self.comparison.not_compared) if self.strict else 0
            return f"{same} but for what was not compared ({kinds:,})" if kinds else same
        signs = " ".join(f"{SIGNS[verb]}{number}" for verb, number in self.summary.items())
        words = ", ".join(f"{number:,} {_WORDS[verb]}" for verb, number in self.summary.items() if number)
        return f"{signs}  what would make the target like the source: {words}"

    def result(self) -> dict[str, Any]:
        """The members of the JSON result."""
        return {
            "summary": self.summary,
            "changes": [one.to_dict(group.home) for group in self.groups for one in group.told],
            "left_out": [{"kind": kind, "count": number} for kind, number in self.comparison.left_out.items()],
        }

    def not_compared(self) -> list[dict[str, object]]:
        """The envelope's list."""
        return [
            {"kind": one.kind, "count": one.count, "reason": one.reason, "objects": list(one.objects)}
            for one in self.comparison.not_compared
        ]

    def _remarks(self) -> Iterator[str]:
        for one in self.comparison.not_compared:
            yield f"not compared: {uncompared_line(one)}"
        if self.comparison.left_out:
            listed = ", ".join(_number(kind, number) for kind, number in self.comparison.left_out.items())
            yield f"left out, as the options say: {listed}"


def _homes(comparison: SchemaComparison) -> set[Any]:
    return {
        home_of(ref, side) or ref
        for side in (comparison.source, comparison.target)
        for ref in side.objects
        if ref.kind != "domain_constraint"
    }


def _head(group: Group) -> str:
    return f"{SIGNS[group.verb]} {escape(str(group.home))}"


def _counts(group: Group) -> str:
    """`` (3 columns, +1 ~2)``: what comes with it, what differs inside."""
    counted = [_number(kind, number) for kind, number in group.members().items()]
    numbers = {verb: sum(one.verb == verb for one in group.inside) for verb in SIGNS}
    counted += [f"{SIGNS[verb]}{number}" for verb, number in numbers.items() if number]
    return f" ({', '.join(counted)})" if counted else ""


def _group_lines(group: Group) -> Iterator[str]:
    own = group.own
    if own is None:
        yield _head(group)
    elif own.verb == "change":
        yield _head(group)
        yield from (f"    {line}" for line in _part_lines(own.parts))
    else:
        about = _one_line(own.about)
        yield f"{_head(group)}{_counts(group) or (f': {about}' if about else '')}"
    for one in group.inside:
        yield from (f"    {line}" for line in _told_lines(one))


def _told_lines(one: Told) -> Iterator[str]:
    name = f"{_kind(one.ref.kind)} {one.ref.sub or one.ref.name}"
    head = f"{SIGNS[one.verb]} {escape(name)}"
    if one.verb != "change":
        about = _one_line(one.about)
        yield head + (f": {about}" if about else "")
        return
    lines = list(_part_lines(one.parts))
    if len(lines) == 1:
        yield f"{head}: {lines[0]}"
        return
    yield head
    yield from (f"    {line}" for line in lines)


def _part_lines(parts: Mapping[str, tuple[Any, Any]]) -> Iterator[str]:
    for name, (before, after) in parts.items():
        if name == "not_null_constraint" and "not_null" in parts and _says_nothing(before or after):
            continue
        word = escape(name.replace("_", " "))
        if name == "privileges":
            yield f"{word}: {_list_change(before, after)}"
        elif isinstance(before, dict) and isinstance(after, dict):
            for key in sorted(before.keys() | after.keys()):
                if before.get(key) == after.get(key):
                    continue
                if key == "grants":
                    changed = (
                        grants_in_words(Grant(*each) for each in side.get(key) or ()) for side in (before, after)
                    )
                    yield f"{word} privileges: {_list_change(*changed)}"
                else:
                    yield f"{word} {escape(key)}: {_value(before.get(key))} -> {_value(after.get(key))}"
        elif _is_long(before) or _is_long(after):
            yield f"{word}:"
            yield from (f"  {escape(line)}" for line in _unified(before, after))
        else:
            yield f"{word}: {_value(before)} -> {_value(after)}"


def _says_nothing(constraint: Mapping[str, Any]) -> bool:
    """Whether a NOT NULL is as Postgres makes it when it is told nothing more."""
    unusual = constraint["name"], not constraint.get("valid", True), constraint.get("no_inherit", False)
    return not any(unusual)


def _list_change(before: Sequence[str], after: Sequence[str]) -> str:
    gone = [f"-{escape(one)}" for one in before if one not in after]
    new = [f"+{escape(one)}" for one in after if one not in before]
    return ", ".join(gone + new)


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and ("\n" in value or len(value) > _WIDEST // 2)


def _unified(before: Any, after: Any) -> list[str]:
    texts = ["" if value is None else str(value) for value in (before, after)]
    found = list(difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines(), lineterm="", n=2))[2:]
    # Texts that differ in their line ends only have no line that differs.
    return found or [f"-{texts[0]!r}", f"+{texts[1]!r}"]


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return escape(value) if value else "''"
    return escape(json.dumps(value, ensure_ascii=False))


def _one_line(text: str) -> str:
    shown = escape(" ".join(text.split()))
    return shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + "…"


def uncompared_line(one: Uncompared) -> str:
    """How many of a kind were not compared, why, and some of their names."""
    names = ", ".join(one.objects[:3]) + (", ..." if len(one.objects) > 3 else "")
    return f"{_number(one.kind, one.count)}: {escape(one.reason)}" + (f" ({escape(names)})" if names else "")


def _kind(kind: str) -> str:
    return escape(kind.replace("_", " "))


def _number(kind: str, number: int) -> str:
    """``1 policy``, ``2 policies``."""
    word = _kind(kind)
    if number != 1 and kind not in _UNCOUNTED:
        word = {"y": f"{word[:-1]}ies", "x": f"{word}es", "s": f"{word}es"}.get(word[-1], f"{word}s")
    return f"{number:,} {word}"


def _longest_ticks(line: str) -> int:
    return max(map(len, "".join(one if one == "`" else " " for one in line).split()), default=0)
