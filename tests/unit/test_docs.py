"""The documents tell the truth: commands parse, links lead somewhere, nothing that a user meets is missing.

What they show as output is checked by tests/acceptance/test_readme.py.
"""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

import dbsync
from dbsync.cli.main import COMMANDS, root_command
from dbsync.config import parse_settings
from dbsync.errors import DbsyncError
from dbsync.events import Event
from tests.fixtures.sessions import steps

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")],
    key=lambda page: str(page.relative_to(ROOT)),
)
TEXT = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
WRITTEN = {name: text for name, text in TEXT.items() if not name.startswith("docs/reference/")}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def blocks(text: str, *languages: str) -> Iterator[str]:
    return (body for language, body in _FENCE.findall(text) if language in languages)


def shell_lines() -> Iterator[tuple[str, str]]:
    """Every line of shell in the documents and examples, with the file it stands in."""
    for name, text in WRITTEN.items():
        for body in blocks(text, "sh"):
            yield from ((name, line) for line in body.replace("\\\n", " ").splitlines())
        yield from ((name, step.command) for step in steps(text) if step.command)
    examples = ROOT / "examples"
    for line in (examples / "crontab").read_text().splitlines():
        yield "examples/crontab", line
    for step in yaml.safe_load((examples / "github-actions.yml").read_text())["jobs"]["test"]["steps"]:
        yield from (("examples/github-actions.yml", line) for line in step.get("run", "").splitlines())
    for line in re.findall(r"^#   (.*)$", (examples / "compose.yaml").read_text(), re.MULTILINE):
        yield "examples/compose.yaml", line


def calls() -> Iterator[tuple[str, str]]:
    """Every call of dbsync on those lines."""
    for name, line in shell_lines():
        for part in re.split(r"\$\(|\)|&&|;|\|| #", _translated(line, _HIDE)):
            match = re.search(r"(?:^\s*|\s)(dbsync\s.*)$", re.split(r" 2?> ?", part)[0])
            if match and "git clone" not in line:
                yield name, match[1].strip().translate(_SHOW)


def _translated(line: str, table: dict[int, str]) -> str:
    """Hide what separates commands where it stands inside quotes."""
    return re.sub(r"'[^']*'|\"[^\"$]*\"", lambda match: match[0].translate(table), line)


_HIDDEN = {"|": "\ue000", ";": "\ue001", "&": "\ue002", "#": "\ue003", "(": "\ue004", ")": "\ue005", ">": "\ue006"}
_HIDE = str.maketrans(_HIDDEN)
_SHOW = str.maketrans({hidden: shown for shown, hidden in _HIDDEN.items()})
CALLS = sorted(set(calls()))
ROOT_COMMAND = root_command()


def parse(words: list[str]) -> str:
    """Parse a command line as dbsync does, without running it; return the command's name."""
    command = ROOT_COMMAND
    context = command.make_context("dbsync", words)
    names = []
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        names.append(name)
        context = command.make_context(name, rest, parent=context)
    return " ".join(names)


def test_there_are_commands_to_look_at() -> None:
    assert len(CALLS) > 60
    assert len({name for name, _ in CALLS}) > 8


@pytest.fixture
def beside_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of our own with the example's config file in it."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(ROOT / "examples" / "dbsync.yaml", tmp_path))


@pytest.mark.parametrize(("page", "line"), CALLS)
def test_a_shown_command_exists_and_its_options_are_accepted(page: str, line: str, beside_the_example: Path) -> None:
    words = [str(beside_the_example) if word == "/etc/dbsync/dbsync.yaml" else word for word in shlex.split(line)[1:]]
    if words == ["--help"] or "--install-completion" in words:
        return
    assert parse(words), page


@pytest.mark.parametrize("page", TEXT)
def test_links_lead_somewhere(page: str) -> None:
    for link in _LINK.findall(re.sub(_FENCE, "", TEXT[page])):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, anchor = link.partition("#")
        target = (ROOT / page).parent / place if place else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if anchor:
            assert anchor in anchors(target.read_text()), f"{page}: {link}"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(_FENCE, "", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_lists_every_command_and_no_other() -> None:
    listed = re.findall(r"^\| `dbsync ([a-z]+)", TEXT["README.md"], re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_every_option_is_documented() -> None:
    everything = "\n".join(TEXT.values())
    missing = [name for name in options(root_command()) if name not in everything]
    assert missing == []


def options(command: Any) -> Iterator[str]:
    """Every long option of every command."""
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield max(parameter.opts, key=len)
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from options(command.get_command(None, name))


def modules() -> Iterator[str]:
    return (
        found.name for found in pkgutil.walk_packages(dbsync.__path__, "dbsync.") if found.name != "dbsync.__main__"
    )


def subclasses(kind: type[Any]) -> set[type[Any]]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_every_exit_code_is_documented() -> None:
    for name in modules():
        importlib.import_module(name)
    codes = {error.exit_code for error in subclasses(DbsyncError) if error.__module__.startswith("dbsync.")}
    for page in ("README.md", "docs/errors.md"):
        rows = " ".join(re.findall(r"^\| ([\d, ]+) \|", TEXT[page], re.MULTILINE))
        listed = {int(number) for number in re.findall(r"\d+", rows)}
        assert listed == codes | {0, 143}, page


def test_every_error_code_is_documented_and_no_other() -> None:
    for name in modules():
        importlib.import_module(name)
    codes = {error.code for error in subclasses(DbsyncError) if error.__module__.startswith("dbsync.")}
    phases = {"resolve", "tcp", "tls", "auth", "database", "session"}
    for path in (ROOT / "dbsync").rglob("*.py"):
        codes |= set(arguments(ast.parse(path.read_text()), "code"))
        phases |= set(arguments(ast.parse(path.read_text()), "phase", of="ConnectionFailed"))
    codes |= {f"CONNECT_{phase.upper()}" for phase in phases}
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", TEXT["docs/errors.md"], re.MULTILINE)
    listed = set(re.findall(r"[A-Z_]+", " ".join(rows)))
    assert codes - listed == set()
    source = "".join(path.read_text() for path in (ROOT / "dbsync").rglob("*.py"))
    assert [code for code in listed - codes if f'"{code}"' not in source] == []


def arguments(tree: ast.AST, name: str, of: str = "") -> Iterator[str]:
    """The texts that calls give as the argument ``name``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and of in ast.dump(node.func):
            for keyword in node.keywords:
                if keyword.arg == name and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)


def test_every_event_is_documented_with_its_members() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", TEXT["docs/json.md"].partition("## Events")[2], re.MULTILINE))
    events = {event.kind: event for event in subclasses(Event) if event is not Event}
    assert rows.keys() == events.keys()
    for kind, event in events.items():
        for field in fields(event):
            assert f"`{field.name}`" in rows[kind], kind


@pytest.mark.parametrize("page", WRITTEN)
def test_yaml_and_json_are_well_formed_and_config_files_are_accepted(page: str) -> None:
    for body in blocks(TEXT[page], "json"):
        json.loads(body)
    for body in blocks(TEXT[page], "yaml"):
        document = yaml.safe_load(body)
        if "version" in document:
            parse_settings(body.encode(), Path(page))


def test_the_example_files_are_well_formed() -> None:
    parse_settings((ROOT / "examples/dbsync.yaml").read_bytes(), Path("examples/dbsync.yaml"))
    workflow = yaml.safe_load((ROOT / "examples/github-actions.yml").read_text())
    assert all("run" in step or "uses" in step for step in workflow["jobs"]["test"]["steps"])
    compose = yaml.safe_load((ROOT / "examples/compose.yaml").read_text())
    assert [service["image"].partition(":")[0] for service in compose["services"].values()] == ["postgres", "postgres"]
    lines = [line for line in (ROOT / "examples/crontab").read_text().splitlines() if " dbsync " in line]
    assert len(lines) == 1
    assert len(lines[0].split()[:5]) == 5


def test_a_part_of_an_example_is_the_example() -> None:
    for page, text in TEXT.items():
        for example, body in re.findall(r"<!-- part of: (\S+) -->\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            assert body in (ROOT / example).read_text(), page


def test_safety_names_tests_that_exist() -> None:
    text = TEXT["docs/explanation/safety.md"]
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert len(named) > 25
    for file, function in named:
        assert f"def {function}(" in (ROOT / "tests" / file).read_text(), f"{file}::{function}"
    cases = [case for row in re.findall(r"cases? ((?:`\w+`(?:, )?)+)", text) for case in re.findall(r"\w+", row)]
    assert len(cases) > 30
    assert [case for case in cases if not (ROOT / "tests/cases/sync" / case).is_dir()] == []


def test_architecture_names_files_that_exist() -> None:
    text = re.sub(_FENCE, lambda match: match[2], TEXT["docs/explanation/architecture.md"])
    named = set(re.findall(r"(?:dbsync|cli|data|pg|schema|local)/[\w/*.]*\w\.(?:py|sql)", text))
    assert len(named) > 25
    assert [name for name in named if not list((ROOT / "dbsync").glob(name.removeprefix("dbsync/")))] == []


def test_no_document_names_a_place_of_the_machine_it_was_written_on() -> None:
    home = re.compile(r"(?<![\w~])/(root|work|tmp|home/(?!you/)\w+)/\w")
    assert [name for name, text in WRITTEN.items() if home.search(text)] == []
