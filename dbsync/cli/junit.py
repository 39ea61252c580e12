"""JUnit's XML as CI systems read it: one suite, one case for each thing looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from dbsync.cli.terminal import escape

Outcome = Literal["passed", "failure", "error", "skipped"]
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case. ``outcome`` passed has no message; ``text`` is shown below the message."""

    name: str
    outcome: Outcome = "passed"
    message: str = ""
    text: str = ""
    elapsed_s: float = 0.0


def junit(suite: str, cases: Sequence[Case]) -> str:
    """Return the document."""
    counted = {word: sum(case.outcome == word for case in cases) for word in ("failure", "error", "skipped")}
    attributes = {
        "name": suite,
        "tests": str(len(cases)),
        "failures": str(counted["failure"]),
        "errors": str(counted["error"]),
        "skipped": str(counted["skipped"]),
        "time": f"{sum(case.elapsed_s for case in cases):.3f}",
    }
    root = ElementTree.Element("testsuites", attributes)
    element = ElementTree.SubElement(root, "testsuite", attributes)
    for case in cases:
        _add(element, suite, case)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(suite: ElementTree.Element, name: str, case: Case) -> None:
    attributes = {"classname": name, "name": _legal(case.name), "time": f"{case.elapsed_s:.3f}"}
    element = ElementTree.SubElement(suite, "testcase", attributes)
    if case.outcome != "passed":
        said = ElementTree.SubElement(element, case.outcome, {"message": _legal(case.message)})
        if case.outcome != "skipped":
            said.set("type", name)
        said.text = _legal(case.text) or None
    elif case.text:
        ElementTree.SubElement(element, "system-out").text = _legal(case.text)


def _legal(text: str) -> str:
    """The text with what XML cannot hold, and what steers a terminal, written as escapes."""
    harmless = escape(text, keep="\t\n")
    return _ILLEGAL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), harmless)
