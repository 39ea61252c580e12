"""How a command is written: one decorator, a Context in, an Answer out; see ``dbsync.cli.main``.

Global options may stand before or after the command's name. Values come from the command line, else
from ``DBSYNC_<OPTION>``, else from the chosen profile, else from the declared default.
"""

from __future__ import annotations

import copy
import functools
import inspect
import os
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from dbsync.cli.call import Call
from dbsync.cli.options import (
    FLAG_ONLY_OPTIONS,
    GLOBAL_NAMES,
    NOT_FROM_ENVIRONMENT,
    REPORTING_NAMES,
    REPORTING_PARAMETERS,
    Format,
    GlobalOptions,
    choose_format,
    choose_outputs,
    with_global_parameters,
)
from dbsync.cli.output import Answer, check_writable
from dbsync.cli.profiles import complete_database, profile_defaults, sync_defaults
from dbsync.cli.signals import start_clock

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
EPILOG = (
    "Every option but consent (--yes, --confirm, --write, --unproved, --allow-hazard), --force, --key and --on-failure "
    "also reads DBSYNC_<OPTION>."
)
_DATABASE_ARGUMENTS = frozenset({"DB", "DB...", "SOURCE", "TARGET"})
LAST_RUN = "last"
_RUN = re.compile("[0-9a-f]{4,12}")
_GIVEN = "dbsync.given"  # global options on the command line, of the outer levels


class _Context(typer.Context):
    """Looks defaults up in the environment, then in the profile."""

    def lookup_default(self, name: str, call: bool = True) -> Any:
        """Return the value that replaces the declared default, or None."""
        # call=False is the help page asking for what to print: the declared defaults.
        if not call or self.resilient_parsing or isinstance(self.command, TyperGroup):
            return None
        option = self._option(name)
        if option is None:
            return None
        text = self._variable(option)
        if text:
            multiple = any(parameter.name == name and parameter.multiple for parameter in self.command.params)
            return text.splitlines() if multiple else text
        if name in ("config", "profile", "job"):
            return None
        key = option.replace("-", "_")
        return self._named_sync().get(key, self._profile().get(key))

    def origin(self, name: str) -> str | None:
        """Where a value that did not stand on the command line came from, for messages."""
        option = self._option(name)
        if option is None or self.get_parameter_source(name) is None or _on_command_line(self, name):
            return None
        if self._variable(option):
            return variable_of(option)
        key = option.replace("-", "_")
        if key in self._named_sync():
            return "the config file's sync"
        return "the profile" if key in self._profile() else None

    def _variable(self, option: str) -> str | None:
        """What the environment says of an option that it may set."""
        return None if f"--{option}" in NOT_FROM_ENVIRONMENT else os.environ.get(variable_of(option))

    def _option(self, name: str) -> str | None:
        """The long name of an option that may be set from outside, without its dashes."""
        parameter = next((known for known in self.command.params if known.name == name), None)
        if parameter is None or parameter.param_type_name != "option":
            return None
        if (FLAG_ONLY_OPTIONS | getattr(self.command, "flag_only", frozenset())) & set(parameter.opts):
            return None
        return max(parameter.opts, key=len).lstrip("-")

    def _named_sync(self) -> Mapping[str, Any]:
        """What ``sync --name`` takes from the config file."""
        job = self.params.get("job")
        scheduled = getattr(self.command, "scheduled", False)
        return {} if job is None else sync_defaults(self._given("config"), job, scheduled=scheduled)

    def _profile(self) -> Mapping[str, Any]:
        return profile_defaults(self._given("config"), self._given("profile"))

    def _given(self, name: str) -> Any:
        """An eager option that was typed, after the command's name or before it; else what the environment says."""
        found = self.params.get(name)
        return found if _on_command_line(self, name) else self.meta.get(_GIVEN, {}).get(name, found)


def variable_of(option: str) -> str:
    """The environment variable of an option, given without its dashes."""
    return "DBSYNC_" + option.replace("-", "_").upper()


def _with_run(args: list[str]) -> list[str]:
    """Give a bare --resume its value: what follows it is a run only if it looks like one."""
    given = args.index("--") if "--" in args else len(args)
    return [
        f"--resume={LAST_RUN}" if arg == "--resume" and place < given and not _names_run(args, place + 1) else arg
        for place, arg in enumerate(args)
    ]


def _names_run(args: list[str], place: int) -> bool:
    return place < len(args) and (args[place] == LAST_RUN or _RUN.fullmatch(args[place]) is not None)


class _Command(TyperCommand):
    context_class = _Context
    two_ended = False
    scheduled = False
    flag_only: frozenset[str] = frozenset()
    function: Callable[..., Answer]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Tell the call which command it is before anything can fail."""
        if isinstance(ctx.obj, Call):
            ctx.obj.report.command = command_name(ctx)
            ctx.obj.report.two_ended = self.two_ended
        return super().parse_args(ctx, _with_run(args))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line: ``[OPTIONS] DB [SQL]``."""
        pieces = ["[OPTIONS]"]
        for parameter in self.get_params(ctx):
            if parameter.param_type_name == "argument":
                name = parameter.metavar or str(parameter.name).upper()
                pieces.append(name if parameter.required or name.startswith("[") else f"[{name}]")
        return pieces

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List what is the command's own first; what every command has stands apart."""
        own: list[tuple[str, str]] = []
        arguments: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            place = arguments if parameter.param_type_name == "argument" else own
            record = parameter.get_help_record(ctx)
            if record is not None:
                (shared if parameter.name in (*GLOBAL_NAMES, "help") else place).append(record)
        for title, records in (("Arguments", arguments), ("Options", own), ("Global options", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Group(TyperGroup):
    """A group of commands that suggests a name for a misspelt one."""

    context_class = _Context

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or say which one was perhaps meant."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            ctx.fail(f"there is no command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


def command_name(ctx: Any) -> str:
    """The words after ``dbsync``, joined by a dash: ``schema``, ``local-up``."""
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, ctx.info_name)
        ctx = ctx.parent
    return "-".join(words) or "error"


def command(
    name: str, *, formats: tuple[Format, ...] = ("text", "json"), two_ended: bool = False, graceful: bool = False,
    report: bool = False, reporting: bool = False, scheduled: bool = False, flag_only: tuple[str, ...] = (),
) -> Callable[[Callable[..., Answer]], Any]:  # fmt: skip
    """Make a command of a function ``(context, arguments...) -> Answer``.

    formats     what --format allows; the first is the default
    two_ended   it has a source and a target (the envelope then has both)
    graceful    it looks at ``context.control`` by itself: a first signal does not break into it
    report      its text is a report for people, which --quiet silences
    reporting   it has --summary-file, --metrics-file, --heartbeat-url and --on-failure
    scheduled   the sync that it runs by name has its schedule's time limit and overlap policy
    flag_only   options that neither the environment nor a profile may set here, though they may for other commands
    """

    def decorate(function: Callable[..., Answer]) -> Any:
        app = _app()
        epilog = EPILOG.replace(" and --on-failure", "".join(f", {one}" for one in flag_only) + " and --on-failure")
        app.command(name, cls=_Command, help=inspect.getdoc(function), epilog=epilog)(
            _entry(function, formats=formats, graceful=graceful, report=report, reporting=reporting)
        )
        made = typer.main.get_command(app)
        assert isinstance(made, _Command)
        made.two_ended, made.scheduled, made.function = two_ended, scheduled, function
        made.flag_only = frozenset(flag_only)
        return made

    return decorate


def group(name: str, help: str, *commands: Any) -> Any:
    """Make a group (``dbsync local up``) of commands made by ``command``."""
    app = _app(name=name, cls=Group, no_args_is_help=True, help=help)
    app.callback()(remember_globals(lambda: None))
    made = typer.main.get_command(app)
    for member in commands:
        made.add_command(member)  # type: ignore[attr-defined]  # it is a Group: a callback is registered
    return made


def _app(**settings: Any) -> typer.Typer:
    # Help without rich: a third of a second less, and plain text into a pipe.
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
        context_settings=CONTEXT_SETTINGS, **settings,
    )  # fmt: skip


def remember_globals(function: Callable[[], None]) -> Callable[..., None]:
    """Return a group's callback that accepts the global options and keeps those that were given."""

    def callback(ctx: typer.Context, **values: Any) -> None:
        given = {name: value for name, value in values.items() if _on_command_line(ctx, name)}
        ctx.meta[_GIVEN] = ctx.meta.get(_GIVEN, {}) | given
        function()

    return _signed(callback, function, with_global_parameters(()))


def _entry(
    function: Callable[..., Answer], *, formats: tuple[Format, ...], graceful: bool, report: bool, reporting: bool
) -> Callable[..., None]:
    first, *own = inspect.signature(function, eval_str=True).parameters.values()
    if first.name != "context":
        raise TypeError(f"{function.__name__}: the first parameter must be 'context'")

    def entry(ctx: typer.Context, **values: Any) -> None:
        from dbsync.cli.context import Context  # drivers load when a command runs, not for --help

        call: Call = ctx.obj
        call.graceful, call.silent_text = graceful, report
        options = _settle(ctx, values, formats)
        for output in options.outputs:
            check_writable(output.path)
        call.begin(options)
        start_clock(call)
        if reporting:
            from dbsync.cli.reporting import report_on

            report_on(call, values)
        context = Context(call=call, options=options, typed=frozenset(n for n in values if _on_command_line(ctx, n)))
        foreign = GLOBAL_NAMES | REPORTING_NAMES
        call.deliver(function(context, **{name: value for name, value in values.items() if name not in foreign}))

    parameters = tuple(map(_completed, own)) + (REPORTING_PARAMETERS if reporting else ())
    return _signed(entry, function, with_global_parameters(parameters, formats))


def _completed(parameter: inspect.Parameter) -> inspect.Parameter:
    """Let the shell complete the names of databases where an argument names one."""
    metadata = getattr(parameter.annotation, "__metadata__", ())
    if not metadata or getattr(metadata[0], "metavar", None) not in _DATABASE_ARGUMENTS:
        return parameter
    argument = copy.copy(metadata[0])
    argument.autocompletion = complete_database
    return parameter.replace(annotation=Annotated[parameter.annotation.__origin__, argument])


def _signed(
    entry: Callable[..., None], function: Callable[..., Any], parameters: tuple[inspect.Parameter, ...]
) -> Callable[..., None]:
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    keywords = tuple(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters)
    functools.update_wrapper(entry, function)
    del entry.__wrapped__  # type: ignore[attr-defined]  # set by update_wrapper; it would hide this signature
    # What inspect.signature reads first, and no class declares.
    entry.__signature__ = inspect.Signature([context, *keywords])  # type: ignore[attr-defined]
    entry.__annotations__ = {parameter.name: parameter.annotation for parameter in (context, *keywords)}
    return entry


def _on_command_line(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _settle(ctx: typer.Context, values: dict[str, Any], formats: tuple[Format, ...]) -> GlobalOptions:
    """Merge what stood before the command's name with what stood after it; the latter wins."""
    before: dict[str, Any] = ctx.meta.get(_GIVEN, {})
    found = {name: values[name] for name in GLOBAL_NAMES}
    for name, value in before.items():
        if not _on_command_line(ctx, name):
            found[name] = value
        elif name in ("verbose", "output"):  # these add up
            found[name] = value + found[name]

    def given(name: str) -> bool:
        return name in before or _on_command_line(ctx, name)

    _contradictions(before, values, lambda name: name in before and _on_command_line(ctx, name))
    if found["quiet"] and found["verbose"] and given("quiet") and given("verbose"):
        ctx.fail("--quiet and --verbose contradict each other")
    return GlobalOptions(
        config=found["config"], profile=found["profile"], format=choose_format(found, given, formats),
        outputs=choose_outputs(found["output"], formats), quiet=found["quiet"], verbose=found["verbose"],
        log_format=found["log_format"], log_file=found["log_file"], progress=found["progress"], color=found["color"],
        yes=found["yes"], no_input=found["no_input"] or _truthy(os.environ.get("CI")), timeout=found["timeout"],
    )  # fmt: skip


def _contradictions(before: dict[str, Any], after: dict[str, Any], twice: Callable[[str], bool]) -> None:
    """--format (or --json) before the name and another one after it: nobody means that."""
    if twice("format_") and before["format_"] != after["format_"]:
        raise typer.BadParameter(f"--format is given twice: {before['format_']} and {after['format_']}")


def _truthy(text: str | None) -> bool:
    return bool(text) and str(text).lower() not in ("0", "false", "no", "off")
