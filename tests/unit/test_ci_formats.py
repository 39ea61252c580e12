"""Annotations and JUnit hold any text that a database may hold, and an independent reader gets it back."""

from __future__ import annotations

from typing import get_args
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dbsync.cli.annotations import annotation
from dbsync.cli.junit import Case, junit
from dbsync.cli.terminal import escape
from dbsync.data.problem import RULES, Rule
from tests.fixtures.annotations import read_annotations

_TEXT = st.text(st.one_of(st.characters(), st.sampled_from("%:,\r\n\0\x1b=A0D")))


@given(_TEXT, _TEXT, _TEXT)
def test_an_annotation_is_one_line_and_reads_back_as_what_it_says(message, title, file):
    text = annotation("error", message, title=title, file=file)
    assert text.count("\n") == 1
    (found,) = read_annotations(text)
    harmless = [escape(part, keep="\r\n") for part in (message, title, file)]
    assert [found.message, found.properties["title"], found.properties["file"]] == harmless


def test_an_annotation_escapes_as_the_documentation_says():
    text = annotation("warning", "100%\r\nof it: a, b", title="a: b, c", file="public.t")
    assert text == "::warning file=public.t,title=a%3A b%2C c::100%25%0D%0Aof it: a, b\n"


@given(_TEXT, _TEXT, _TEXT)
def test_junit_is_xml_whatever_it_holds(name, message, text):
    document = junit("suite", [Case(name=name, outcome="failure", message=message, text=text), Case(name="other")])
    root = ElementTree.fromstring(document.encode())
    (failure,) = root.iter("failure")
    assert failure.get("message") == _shown(message)
    assert (failure.text or "") == _shown(text)
    first, second = root.iter("testcase")
    assert (first.get("name"), second.get("name")) == (_shown(name), "other")


def _shown(text):
    harmless = escape(text, keep="\t\n")
    return "".join(one if one not in "\ufffe\uffff" else f"\\u{ord(one):04x}" for one in harmless)


def test_junit_counts_what_it_lists():
    cases = [Case(name=word, outcome=word) for word in ("passed", "failure", "error", "skipped", "failure")]
    suite = ElementTree.fromstring(junit("suite", cases)).find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "2", "1", "1"]


def test_every_rule_has_its_weight_and_advice():
    assert set(get_args(Rule)) == RULES.keys()
