"""The options every command has, and their values.

``GlobalOptions`` is what a command finds in ``context.options``: flags, else ``DBSYNC_*``, else the
chosen profile, else the default. Consent never comes from anywhere but the command line.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from dbsync import __version__
from dbsync.cli.terminal import ColorChoice
from dbsync.errors import ConfigError
from dbsync.quantities import parse_duration

Format = Literal["text", "json", "jsonl", "csv", "md", "sql", "mermaid", "junit", "github", "cron", "systemd"]
LogFormat = Literal["text", "json"]
ProgressChoice = Literal["auto", "rich", "tqdm", "line", "jsonl", "none"]
FORMATS: tuple[Format, ...] = get_args(Format)
CONSENT_OPTIONS = frozenset({"--yes", "--confirm", "--write", "--unproved", "--allow-hazard"})
# Facts about one call, not settings: neither the environment nor a profile may fix them.
# DBSYNC_KEY is the key of the saved connections, and --force is close to consent.
FLAG_ONLY_OPTIONS = CONSENT_OPTIONS | {
    "--help", "--version", "--install-completion", "--show-completion", "--key", "--force",
}  # fmt: skip
# What runs a program is named on the command line or in the config file, whose writers are checked.
NOT_FROM_ENVIRONMENT = frozenset({"--on-failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """One ``-o``: where to write, and in which format (None: the command's chosen one)."""

    path: Path
    format: Format | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalOptions:
    """The values of the global options of one call."""

    config: Path | None = None
    profile: str | None = None
    format: Format = "text"
    outputs: tuple[OutputFile, ...] = ()
    quiet: bool = False
    verbose: int = 0
    log_format: LogFormat = "text"
    log_file: Path | None = None
    progress: ProgressChoice = "auto"
    color: ColorChoice = "auto"
    yes: bool = False
    no_input: bool = False
    timeout: float | None = None


def parse_output(text: str) -> OutputFile:
    """Read ``FILE`` or ``FORMAT=FILE``; a prefix that is no format belongs to the file's name."""
    prefix, equals, rest = text.partition("=")
    named = next((name for name in FORMATS if name == prefix), None) if equals else None
    path = rest if named else text
    if path in ("", "-"):
        raise ConfigError(f"--output {text!r} names no file", hint="write -o FILE; without it, stdout gets the output")
    if "\0" in path:
        raise ConfigError("--output holds a NUL character")
    return OutputFile(path=Path(path), format=named)


def show_version(value: bool) -> None:
    """Print the version and end, before anything else is looked at."""
    if value:
        typer.echo(f"dbsync {__version__}")
        raise typer.Exit


def _declared(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="FILE", is_eager=True, help="The config file (else the nearest dbsync.yaml)."
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-p", metavar="NAME", is_eager=True, help="Take defaults from this profile."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on stdout; same as --format json.")] = False,
    format_: Annotated[str | None, typer.Option("--format", "-f", metavar="FORMAT", help="How to show it.")] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output", "-o", metavar="[FORMAT=]FILE", help="Write to a file, whole or not at all; repeatable."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Errors and data only.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Say more; -vv for debugging.")
    ] = 0,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="Log lines as text or JSON.")] = "text",
    log_file: Annotated[
        Path | None, typer.Option("--log-file", metavar="FILE", help="Append log lines to this file.")
    ] = None,
    progress: Annotated[ProgressChoice, typer.Option("--progress", help="How to show progress on stderr.")] = "auto",
    color: Annotated[
        ColorChoice, typer.Option("--color", help="Colours; NO_COLOR and FORCE_COLOR are honoured.")
    ] = "auto",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Consent to writing.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask (implied by CI=true, no terminal).")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="DURATION", parser=parse_duration, help="Give up after 90s, 2h, 1h30m (exit code 7)."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Declare the global options; never called."""


def _reporting(
    summary_file: Annotated[
        Path | None,
        typer.Option(
            "--summary-file",
            metavar="FILE",
            help="Write a short Markdown summary; $GITHUB_STEP_SUMMARY is appended to.",
        ),
    ] = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option(
            "--metrics-file", metavar="FILE", help="Write metrics for Prometheus' textfile collector, also on failure."
        ),
    ] = None,
    heartbeat_url: Annotated[
        str | None,
        typer.Option(
            "--heartbeat-url",
            metavar="URL",
            help="Ping URL/start, then URL or URL/fail, as healthchecks.io has it; better by DBSYNC_HEARTBEAT_URL.",
        ),
    ] = None,
    on_failure: Annotated[
        str | None,
        typer.Option(
            "--on-failure", metavar="COMMAND", help="Run this, without a shell, when the exit code is not 0; 30 s."
        ),
    ] = None,
) -> None:
    """Declare what tells other machines how a run ended; never called."""


def _keywords(declared: Callable[..., None]) -> tuple[inspect.Parameter, ...]:
    parameters = inspect.signature(declared, eval_str=True).parameters.values()
    return tuple(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters)


REPORTING_PARAMETERS = _keywords(_reporting)
REPORTING_NAMES = frozenset(parameter.name for parameter in REPORTING_PARAMETERS)
GLOBAL_PARAMETERS = _keywords(_declared)
GLOBAL_NAMES = frozenset(parameter.name for parameter in GLOBAL_PARAMETERS)


def with_global_parameters(
    parameters: tuple[inspect.Parameter, ...], formats: tuple[Format, ...] = ()
) -> tuple[inspect.Parameter, ...]:
    """Return a command's parameters followed by the global ones, --format listing what it allows."""
    own = {parameter.name for parameter in parameters}
    if clash := own & GLOBAL_NAMES:
        raise TypeError(f"these names belong to global options: {sorted(clash)}")
    return parameters + tuple(_listing(parameter, formats) for parameter in GLOBAL_PARAMETERS)


def _listing(parameter: inspect.Parameter, formats: tuple[Format, ...]) -> inspect.Parameter:
    if parameter.name != "format_" or not formats:
        return parameter
    option = typer.Option("--format", "-f", metavar="|".join(formats), help="How to show it.")
    return parameter.replace(annotation=Annotated[str | None, option])


def choose_format(values: dict[str, Any], given: Callable[[str], bool], formats: tuple[Format, ...]) -> Format:
    """Settle --json and --format; a flag beats what the environment or a profile says.

    A format that only the environment or a profile names applies to the commands that know it.
    """
    name, as_json = values["format_"], values["json_"]
    if given("json_") and as_json:
        if given("format_") and name != "json":
            raise ConfigError(f"--json and --format {name} contradict each other", hint="keep one of them")
        name = "json"
    elif as_json and not given("format_"):
        name = "json"
    if name is None:
        return formats[0]
    chosen = next((known for known in formats if known == name), None)
    if chosen is not None:
        return chosen
    if given("format_") or name not in FORMATS:
        raise ConfigError(f"--format {name} is not known to this command", hint=f"choose one of {', '.join(formats)}")
    return formats[0]


def choose_outputs(texts: list[str] | None, formats: tuple[Format, ...]) -> tuple[OutputFile, ...]:
    """Read every -o; at most one without a format, and only formats that the command knows."""
    outputs = tuple(parse_output(text) for text in texts or ())
    for output in outputs:
        if output.format is not None and output.format not in formats:
            raise ConfigError(
                f"-o {output.format}=... is not known to this command", hint=f"choose one of {', '.join(formats)}"
            )
    if sum(output.format is None for output in outputs) > 1:
        raise ConfigError("more than one -o without a format", hint="write -o FORMAT=FILE")
    return outputs
