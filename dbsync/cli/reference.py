"""Writes the reference pages from the program itself: ``python -m dbsync.cli.reference docs/reference``.

The pages are what ``--help``, the events, the errors and the JSON Schemas say; a test fails when they are stale.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

from dbsync import errors, events
from dbsync.cli.command import CONTEXT_SETTINGS
from dbsync.cli.main import COMMANDS, root_command
from dbsync.cli.options import GLOBAL_NAMES
from dbsync.data.findings import SEVERITIES
from dbsync.data.rules import RULES, Rule
from dbsync.jobs.model import ProgressFacts, StateFacts

_HEAD = "<!-- Written by `make docs`. Change the program, not this page. -->\n\n"
_WIDTH = 100


def pages() -> dict[str, str]:
    """Return every page: file name -> text."""
    root = root_command()
    context = root.context_class(root, info_name="dbsync", terminal_width=_WIDTH, **CONTEXT_SETTINGS)
    found = {
        "index.md": _index(root, context),
        "events.md": _events(),
        "errors.md": _errors(),
        "findings.md": _findings(),
    }
    for name in COMMANDS:
        found[f"{name}.md"] = _HEAD + _command(root.get_command(context, name), context, name, level=1)
    return found


def write(directory: Path) -> None:
    """Write the pages and remove those of commands that are gone; what others have put there is left alone."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for other in set(directory.glob("*.md")) - {directory / name for name in wanted}:
        if other.read_text(encoding="utf-8", errors="replace").startswith(f"{_HEAD}# dbsync {other.stem}\n"):
            other.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")


def _index(root: Any, context: Any) -> str:
    lines = [f"# dbsync\n\n{root.help}\n\n    dbsync [OPTIONS] COMMAND ...\n\n## Commands\n\n"]
    lines += [f"- [`{name}`]({name}.md): {short}\n" for name, (_, short) in COMMANDS.items()]
    lines.append("\n[Errors and exit codes](errors.md) · [Events](events.md) · [Findings](findings.md)\n")
    lines.append("\n## Global options\n\nThey may stand before or after the name of the command.\n\n")
    lines += _options(root, context, own=False)
    lines.append(f"\n{root.epilog}\n")
    return _HEAD + "".join(lines)


def _command(command: Any, parent: Any, name: str, *, level: int) -> str:
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=_WIDTH)
    text = f"{'#' * level} {context.command_path}\n\n{inspect.cleandoc(command.help or '')}\n\n"
    if hasattr(command, "list_commands"):
        members = (command.get_command(context, inner) for inner in command.list_commands(context))
        return text + "\n".join(_command(member, context, member.name, level=level + 1) for member in members)
    usage = " ".join(command.collect_usage_pieces(context))
    text += f"    {context.command_path} {usage}\n"
    if arguments := [parameter for parameter in command.params if parameter.param_type_name == "argument"]:
        text += "\n| argument | |\n|---|---|\n"
        text += "".join(f"| `{(a.metavar or a.name.upper()).strip('[]')}` | {_cell(a.help)} |\n" for a in arguments)
    if own := list(_options(command, context, own=True)):
        text += "\n" + "".join(own)
    return text + _result(context.command_path) + "\n[Global options](index.md#global-options)\n"


def _options(command: Any, context: Any, *, own: bool) -> Iterator[str]:
    rows = []
    for parameter in command.get_params(context):
        shared = parameter.name in (*GLOBAL_NAMES, "help", "install_completion", "show_completion")
        if parameter.param_type_name == "option" and shared is not own:
            spelling, text = parameter.get_help_record(context)
            rows.append(f"| `{_cell(spelling)}` | {_cell(text)} |\n")
    if rows:
        yield "| option | |\n|---|---|\n"
        yield from rows


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _result(path: str) -> str:
    """The first level of the result's members, by the schema that ships in the package."""
    name = "-".join(path.split()[1:])
    if not files("dbsync.schemas").joinpath(f"{name}.json").is_file():
        return ""
    shapes = [shape for shape in _shapes(_result_schema(name)) if "properties" in shape]
    lines = [f"\nUnder `--json` (schema `dbsync/{name}@1`), `result` holds "]
    lines.append(", or ".join(", ".join(f"`{member}`" for member in shape["properties"]) for shape in shapes))
    return "".join(lines) + ".\n"


def _result_schema(name: str) -> Mapping[str, Any]:
    """The schema of a command's result; it may be another command's."""
    rule: Mapping[str, Any] = _schema(name)["properties"]["result"]
    other = rule.get("$ref", "").partition("@")[0].removeprefix("dbsync/")
    return _result_schema(other) if other else {**rule, "$defs": _schema(name).get("$defs", {})}


def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("dbsync.schemas").joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return found


def _shapes(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "anyOf" in rule:
        for branch in rule["anyOf"]:
            yield from _shapes({"$defs": rule["$defs"], **branch})
    elif "$ref" in rule:
        place, _, word = rule["$ref"].partition("#/$defs/")
        there = _schema(place.partition("@")[0].removeprefix("dbsync/"))["$defs"] if place else rule["$defs"]
        yield from _shapes({"$defs": there, **there[word]})
    elif rule.get("type") != "null":
        yield rule


def _events() -> str:
    text = _HEAD + f"# Events\n\n{_EVENTS}"
    # a dataclass with slots is made twice: its first self is still listed
    for event in {event.kind: event for event in events.Event.__subclasses__()}.values():
        text += f"\n## {event.kind}\n\n{inspect.cleandoc(event.__doc__ or '')}\n\n| member | type |\n|---|---|\n"
        members = inspect.get_annotations(event)
        text += "".join(
            f"| `{name}` | `{_cell(str(kind))}` |\n" for name, kind in members.items() if not name.startswith("kind")
        )
    for kind, (shape, about) in _JOB_EVENTS.items():
        text += f"\n## {kind}\n\n{about}\n\n| member | type |\n|---|---|\n"
        text += "".join(
            f"| `{name}` | `{_cell(_type(hint))}`{' or absent' * (name in shape.__optional_keys__)} |\n"
            for name, hint in get_type_hints(shape).items()
        )
    return text


def _type(hint: Any) -> str:
    return re.sub(r"\b[a-z_]+\.", "", hint.__name__ if isinstance(hint, type) else str(hint))  # without the modules


def _findings() -> str:
    """Every rule of ``validate``, by category, the gravest first."""
    text = _HEAD + f"# Findings\n\n{_FINDINGS}"
    for category in dict.fromkeys(facts.category for facts in RULES.values()):
        text += (
            f"\n## {category.replace('_', ' ')}\n\n| rule | severity | told when | what to do |\n|---|---|---|---|\n"
        )
        mine = [(rule, facts) for rule, facts in RULES.items() if facts.category == category]
        for rule, facts in sorted(mine, key=lambda one: SEVERITIES.index(one[1].severity)):
            cells = (facts.severity, _cell(facts.meaning), _cell(facts.recommendation))
            mark = " †" if rule in _OF_SYNC else ""
            text += f"| `{rule}`{mark} | {' | '.join(cells)} |\n"
    return text


def _errors() -> str:
    text = _HEAD + "# Errors and exit codes\n\n| exit code | meaning |\n|---|---|\n"
    text += "".join(f"| {code} | {meaning} |\n" for code, meaning in _EXIT_CODES)
    text += (
        "\n`error.code` under `--json` is one of these or a more exact word:\n\n| code | exit code | |\n|---|---|---|\n"
    )
    for error in _walk(errors.DbsyncError):
        code = "130, 143" if error is errors.Interrupted else str(error.exit_code)
        text += f"| `{error.code}` | {code} | {_cell(inspect.cleandoc(error.__doc__ or ''))} |\n"
    return text


_EVENTS = """What `--progress jsonl` writes to stderr, one JSON object on a line. `jobs logs` and `jobs watch` give
the same of a job, each with its `number`, `at`, `attempt` and `level`, but `progress` in the place of `table_progress`,
and `state`.
"""
_JOB_EVENTS: Mapping[str, tuple[Any, str]] = {
    "progress": (
        ProgressFacts,
        "How far a job is as a whole, twice a second while that changes; `jobs logs` and `jobs watch` alone tell it.",
    ),
    "state": (
        StateFacts,
        "A job goes into another state (`from` is null where it was made); `jobs logs` and `jobs watch` alone tell it.",
    ),
}

_FINDINGS = """What `dbsync validate` tells of. A finding's `id` is its rule followed by its place, as in
`column_missing:public.orders:note`; it stays the same from run to run. `details` holds the `rule`, the `name` of
another object, and `source` and `target` where two things are held against each other.

- `critical`: `sync` would refuse, or could write nothing. `result.can_proceed` is false.
- `high`: a run is likely to fail, or to do harm. `result.is_valid` is false.
- `medium`: rows may be refused, or mean something else.
- `low` and `info`: worth knowing.

Level `schema` reads no rows, so it tells what *may* happen; `--level full` shows what did. `validate` plans as a plain
`sync` does. The rules marked † are told by `sync` alone, since they depend on its other options, or since `validate`
has a plainer word for them.
"""
_OF_SYNC: frozenset[Rule] = frozenset({
    "column_unknown", "column_unreadable", "columns_lost", "cursor_column", "cursor_key", "delete_limit",
    "foreign_key_outside", "source_emptied", "triggers_fire", "unique_taken",
})  # fmt: skip

_EXIT_CODES = (
    ("0", "done; same; all checks pass"),
    ("1", "ran well, the answer is negative: differences, failed checks"),
    ("2", "usage or configuration error: unknown option, malformed URL, a name that does not exist"),
    ("3", "cannot connect: DNS, TCP, TLS, authentication, unknown database on the server"),
    ("4", "refused by a guard, nothing changed: consent missing, a write without `--write`, a protected target"),
    ("5", "another run holds the target"),
    ("6", "failed or only partly done; the message says how to go on"),
    ("7", "time limit"),
    ("70", "internal fault"),
    ("130 / 143", "interrupted / terminated"),
)


def _walk(error: type[errors.DbsyncError]) -> Iterator[type[errors.DbsyncError]]:
    yield error
    for child in error.__subclasses__():
        if child.__module__ == errors.__name__:  # the command line and tests have some of their own
            yield from _walk(child)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
