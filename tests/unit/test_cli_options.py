"""Durations, sizes, formats and outputs, and what may come from outside the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbsync.cli.call import wants_json
from dbsync.cli.options import OutputFile, choose_format, choose_outputs, parse_output
from dbsync.errors import ConfigError
from dbsync.quantities import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("2h", 7200), ("1h30m", 5400), ("1h30m5s", 5405), ("500ms", 0.5), ("1.5m", 90), ("45", 45), (" 2 ".strip(), 2), ("1H", 3600)],
)  # fmt: skip
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5s", "5x", "s", "1m1h", "1 h", "inf", "1e3", "five", "200000d", "9" * 400 + "d"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ConfigError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("64MB", 64 << 20), ("1.5G", 3 << 29), ("512KiB", 512 << 10), ("100", 100), ("2 tb", 2 << 40), ("7B", 7)]
)  # fmt: skip
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1MB", "MB", "64XB", "0.2B", "1e6", "9" * 400, "9" * 30 + "TB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ConfigError):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "path", "format_"),
    [("out.txt", "out.txt", None), ("json=out.txt", "out.txt", "json"), ("a=b.txt", "a=b.txt", None), ("md=a=b", "a=b", "md")],
)  # fmt: skip
def test_an_output_is_a_file_or_a_format_and_a_file(text, path, format_):
    assert parse_output(text) == OutputFile(path=Path(path), format=format_)


def test_outputs_that_cannot_be_meant_are_refused():
    for texts in (["json="], [""], ["a\0b"], ["a", "b"], ["csv=x"]):
        with pytest.raises(ConfigError):
            choose_outputs(texts, ("text", "json"))
    assert len(choose_outputs(["a", "json=b", "json=c"], ("text", "json"))) == 3


@pytest.mark.parametrize(
    ("values", "given", "chosen"),
    [
        ({}, (), "text"), ({"json_": True}, ("json_",), "json"), ({"format_": "md"}, ("format_",), "md"),
        ({"json_": True, "format_": "json"}, ("json_", "format_"), "json"),
        # a flag beats what the environment or a profile says
        ({"json_": True, "format_": "md"}, ("format_",), "md"), ({"json_": True, "format_": "md"}, ("json_",), "json"),
        ({"json_": True, "format_": None}, (), "json"),
        # a profile's format applies to the commands that know it
        ({"format_": "github"}, (), "text"),
    ],
)  # fmt: skip
def test_the_format(values, given, chosen):
    found = {"json_": False, "format_": None} | values
    assert choose_format(found, lambda name: name in given, ("text", "json", "md")) == chosen


@pytest.mark.parametrize(
    ("values", "given"),
    [
        ({"json_": True, "format_": "md"}, ("json_", "format_")), ({"json_": False, "format_": "github"}, ("format_",)),
        ({"json_": False, "format_": "jsno"}, ()),
    ],
)  # fmt: skip
def test_formats_that_cannot_be_meant_are_refused(values, given):
    with pytest.raises(ConfigError):
        choose_format(values, lambda name: name in given, ("text", "json", "md"))


@pytest.mark.parametrize(
    ("arguments", "environ", "wanted"),
    [
        (["x", "--json"], {}, True), (["--format", "json", "x"], {}, True), (["--format=json"], {}, True),
        (["-fjson"], {}, True), (["-qf", "json"], {}, True), (["-f", "md"], {}, False), (["--", "--json"], {}, False),
        (["-o", "-fjson"], {}, False), (["-ofjson"], {}, False), ([], {"DBSYNC_FORMAT": "json"}, True),
        ([], {"DBSYNC_JSON": "1"}, True), (["-f", "md"], {"DBSYNC_JSON": "1"}, False), ([], {}, False), (["-f"], {}, False),
    ],
)  # fmt: skip
def test_whether_json_is_wanted_is_known_before_parsing(arguments, environ, wanted):
    assert wants_json(arguments, environ) is wanted
