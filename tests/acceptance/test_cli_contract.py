"""What holds for every command, found by introspection: a new command joins these tests by itself."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dbsync.cli.options import CONSENT_OPTIONS, GLOBAL_PARAMETERS
from dbsync.schema.plan_file import to_text
from tests.fixtures.command import Command
from tests.fixtures.inprocess import InProcess, all_commands
from tests.fixtures.plans import plan

_COMMANDS = all_commands()
_IDS = ["-".join(words) for words, _ in _COMMANDS]
_DATABASES = frozenset({"DB", "DB...", "SOURCE", "TARGET"})
_NEEDED = {"NAME": "nothing-of-that-name", "PLAN": "plan.json", "PLAN|SOURCE": "plan.json", "SQL": "select 1"}
CANARY = "s3cr3t/c@nary"

every_command = pytest.mark.parametrize(("words", "command"), _COMMANDS, ids=_IDS)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> InProcess:
    """Call dbsync in this process, from a directory with nothing but a plan in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.json").write_text(to_text(plan(), created_at="2026-01-02T03:04:05+00:00", dbsync_version="9.9"))
    return InProcess(capsys)


def arguments(command: Any, database: str) -> list[str]:
    """The arguments and options that a command needs, each database being the given one."""
    found = []
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.required:
            found += [max(parameter.opts, key=len), next(iter(getattr(parameter.type, "choices", ".")))]
        if parameter.param_type_name != "argument":
            continue
        if parameter.required or parameter.metavar in _DATABASES or parameter.metavar == "SQL":
            found.append(database if parameter.metavar in _DATABASES else _NEEDED.get(parameter.metavar, "x"))
    return found


def takes_a_database(command: Any) -> bool:
    return any(getattr(parameter, "metavar", None) in _DATABASES for parameter in command.params)


@every_command
def test_help_names_every_option_and_goes_to_stdout(call, words, command):
    for flag in ("--help", "-h"):
        ended = call(*words, flag)
        assert (ended.exit_code, ended.stderr) == (0, "")
        assert ended.stdout.startswith(f"Usage: dbsync {' '.join(words)} ")
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert all(option in ended.stdout for option in parameter.opts)
            assert parameter.help, f"{parameter.opts} is not explained"


@every_command
def test_an_unknown_option_is_exit_2_with_one_document_under_json(call, words, command):
    for args in ((*words, "--json", "--no-such"), (*words, "--no-such", "--json"), ("-fjson", *words, "--no-such=x")):
        ended = call(*args)
        assert ended.exit_code == 2
        assert ended.document["schema"] == f"dbsync/{'-'.join(words)}@1"
        assert ended.document["error"]["code"] == "USAGE"
        assert "--no-such" in ended.document["error"]["message"]
    ended = call(*words, "--no-such")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: No such option: --no-such")


@every_command
def test_every_global_option_is_accepted_before_and_after_the_name(words, command):
    names = {parameter.name for parameter in command.params}
    assert names >= {parameter.name for parameter in GLOBAL_PARAMETERS}


@every_command
def test_a_format_the_command_does_not_know_is_exit_2(call, words, command):
    known = next(p for p in command.params if p.name == "format_").metavar.split("|")
    other = next(name for name in ("junit", "github", "mermaid", "csv") if name not in known)
    ended = call(*words, *arguments(command, "postgresql://u@h/d"), "-f", other)
    assert ended.exit_code == 2
    assert f"--format {other}" in ended.stderr
    for name in known:
        assert name in ended.stderr


@every_command
def test_consent_has_no_variable(call, words, command):
    """Every option but consent is looked up in the environment, under its longest name."""
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.envvar is None  # Typer reads none by itself; dbsync's own look-up leaves consent out
    assert frozenset({"--yes", "--confirm", "--write", "--unproved", "--allow-hazard"}) == CONSENT_OPTIONS


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


# Spellings in which a password may stand, right or wrong; {c} is the password, {p} a port that nobody listens on.
_FORMS = (
    "postgresql://u:{q}@127.0.0.1:{p}/d",
    "postgresql://u:{c}@127.0.0.1:{p}/d",
    "postgresql:/u:{c}@127.0.0.1/d",
    "postgresql:u:{c}@h/d",
    "postgresql+psycopg://u:{c}@h/d",
    "postgres//u:{c}@h/d",
    "mysql://u:{c}@h/d",
    "u:{c}@h/d",
    "postgresql://u:{c}%zz@h/d",
    "postgresql://u:{c}@h:port/d",
    "postgresql://u:{c}@h/d/e",
    "postgresql://u:{c}@[::1/d",
    "postgresql://h/d?password={c}&bad=1",
    "postgresql://h/d?options={c}",
    "postgresql://h/d?{c}=1",
    "host=h password={c} dbname=d",
    "host=h password='{c}' dbname=d",
    "cmd:echo postgresql://u:{c}@h/d",
    "env:{c}",
    "local:{c}",
    "service={c}",
)


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize(("words", "command"), [c for c in _COMMANDS if takes_a_database(c[1])])
def test_a_password_appears_in_no_output(call, words, command, form, tmp_path):
    text = form.format(c=CANARY, q=_percent(CANARY), p=_closed_port())
    log = tmp_path / "log"
    spellings = {CANARY, _percent(CANARY), CANARY.replace("/", "%2F").replace("@", "%40"), json.dumps(CANARY)[1:-1]}
    for extra in (["-vv", "--json"], ["-q"], ["-v", "--log-format", "json", "extra", text, f"--no-such={text}"]):
        ended = call(*words, *arguments(command, text), "--log-file", str(log), *extra)
        assert ended.exit_code in (2, 3, 4), ended
        shown = ended.stdout + ended.stderr + (log.read_text() if log.exists() else "")
        assert shown.strip()
        assert "Traceback" not in shown
        for spelling in spellings:
            assert spelling not in shown


@pytest.mark.parametrize(("words", "command"), [c for c in _COMMANDS if takes_a_database(c[1])])
def test_a_wrong_password_is_exit_3_and_stays_secret(call, words, command, pg_a):
    parts = urlsplit(pg_a.url("postgres"))
    url = f"postgresql://{parts.username}:{_percent(CANARY)}@{parts.hostname}:{parts.port}/postgres"
    ended = call(*words, *arguments(command, url), "-vv", "--json")
    assert ended.exit_code == 3, ended
    assert CANARY not in ended.stdout + ended.stderr
    assert _percent(CANARY) not in ended.stdout + ended.stderr


@pytest.mark.parametrize(("words", "command"), [c for c in _COMMANDS if takes_a_database(c[1])])
def test_a_forced_traceback_shows_no_secret(call, words, command, monkeypatch):
    def explode(text: str, *rest: object, **more: object) -> None:
        raise RuntimeError(f"cannot cope with {text}")

    monkeypatch.setattr("dbsync.cli.context.resolve", explode)
    url = f"postgresql://u:{CANARY}@h/d"
    ended = call(*words, *arguments(command, url), "-vv", "--json")
    assert ended.exit_code == 70
    assert ended.document["error"]["code"] == "INTERNAL"
    assert "Traceback" in ended.stderr
    assert "cannot cope with" in ended.stderr
    assert CANARY not in ended.stdout + ended.stderr
    quiet = call(*words, *arguments(command, url))
    assert quiet.exit_code == 70
    assert "Traceback" not in quiet.stderr
    assert "cannot cope" not in quiet.stderr


def test_an_unknown_command_is_exit_2_and_the_nearest_is_named(call):
    ended = call("schem", "--json")
    assert ended.exit_code == 2
    assert "did you mean 'schema'" in ended.document["error"]["message"]
    assert call("local", "upp").exit_code == 2
    assert call().exit_code == 2


def test_starting_is_fast_and_loads_no_driver():
    code = (
        "import sys\nfrom dbsync.cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        "heavy = {'psycopg', 'sqlalchemy', 'rich', 'pydantic', 'yaml', 'tqdm', 'dbsync.pg'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    for flag in ("--version", "--help"):
        done = subprocess.run([sys.executable, "-c", code, flag], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_shell_completes_commands_options_values_and_databases(dbsync: Command):
    (dbsync.home / "dbsync.yaml").write_text("version: 1\ndatabases: {staging: {host: h}, prod: {host: h}}\n")

    def completed(*words: str) -> set[str]:
        env = {
            "_DBSYNC_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(("dbsync", *words)),
            "COMP_CWORD": str(len(words)),
        }
        return set(dbsync.run(env=env).stdout.split())

    assert completed("schem") == {"schema"}
    assert completed("execute", "st") == {"staging"}
    assert {"--stepwise", "--statement-timeout"} == completed("execute", "--st")
    assert completed("--format-not") == set()
    assert completed("sync", "--verify", "c") == {"checksum", "count"}
    assert "up" in completed("local", "")
    script = dbsync.run("--show-completion", env={"SHELL": "/bin/bash"})
    if "not supported" not in script.stderr:  # the shell is guessed from the parent process
        assert "_DBSYNC_COMPLETE" in script.stdout


@pytest.mark.parametrize(
    ("shell", "offer"), [("bash", r"--[a-z-]+"), ("fish", r"--[a-z-]+\t\S.*"), ("zsh", r'"--[a-z-]+":"[^"]+"')]
)
@pytest.mark.parametrize("words", [("sync",), ("migrate", "plan")])
def test_each_offer_to_a_shell_is_one_line_however_long_its_help(dbsync: Command, shell, offer, words):
    """Asked as the scripts of the shells ask; in a narrow terminal as well."""
    env = {
        "_DBSYNC_COMPLETE": f"complete_{shell}", "COLUMNS": "40",
        "COMP_WORDS": " ".join(("dbsync", *words, "--")), "COMP_CWORD": str(len(words) + 1),
        "_TYPER_COMPLETE_ARGS": " ".join(("dbsync", *words, "--")), "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    shown = dbsync.run(env=env).ended(0).stdout.strip()
    if shell == "zsh":
        assert (shown[:18], shown[-3:]) == ("_arguments '*: :((", "))'")
        shown = shown[18:-3]
    lines = shown.splitlines()
    assert len(lines) > 20
    assert [line for line in lines if not re.fullmatch(offer, line)] == []


def test_the_module_runs_as_the_command(tmp_path):
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "dbsync", "--version"], capture_output=True, text=True, env=environ, check=True
    )
    assert done.stdout.startswith("dbsync ")
