"""The ``dbsync`` command: the table of commands, and the one place where every call ends.

To add a command, write ``dbsync/cli/<name>.py`` and a line in COMMANDS (a test keeps them in step)::

    @command("schema", formats=("text", "json", "sql"))
    def schema(
        context: Context,
        database: Annotated[str, typer.Argument(metavar="DB", help="...")],
        fingerprint: Annotated[bool, typer.Option("--fingerprint", help="...")] = False,
    ) -> Answer:
        \"\"\"Show what is in a database.\"\"\"
        with context.source(database) as session:               # opened, described, cancelled on a stop
            catalog = services.schema(session)
        return Answer(result=as_json(catalog), render={"text": lambda: tree(catalog), "sql": lambda: ddl(catalog)})

``json`` is made of ``result``. A renderer returns text or an iterable of pieces. Failures are raised
as DbsyncError; a negative answer is ``Answer(exit_code=1)``; a failure that also has a result is
``Answer(exit_code=6, error=...)``. ``context.warn`` warns, ``context.emit`` takes events,
``context.control`` is the stop order. Read-only work needs nothing else: signals and ``--timeout``
break into it. ``dbsync.cli.tables`` prints tables, ``dbsync.cli.terminal.escape`` makes text harmless.
A group is ``local = group("local", "Help.", up, down)``.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import typer

from dbsync.cli import signals
from dbsync.cli.call import Call, UsageFault, discard
from dbsync.cli.command import CONTEXT_SETTINGS, EPILOG, Group, remember_globals
from dbsync.errors import DbsyncError, Interrupted

# name -> (module:attribute, short help). A command's module is imported when it is called.
COMMANDS: dict[str, tuple[str, str]] = {
    "test": ("dbsync.cli.diagnosis:examine", "Can a database be reached and used: each phase, with a fix."),
    "execute": ("dbsync.cli.execute:execute", "Run SQL, read-only unless --write."),
    "explore": ("dbsync.cli.explore:explore", "Tables, pages of rows, one row, figures about columns."),
    "schema": ("dbsync.cli.schema:schema", "What is in a database: tree, JSON, SQL, Markdown, ER diagram."),
    "diff": ("dbsync.cli.diff:diff", "What differs between two databases: schemas, rows."),
    "validate": ("dbsync.cli.validate:validate", "Can it be synchronised safely, and is it in sync."),
    "migrate": ("dbsync.cli.migrate:migrate_app", "Plan, prove, apply and undo changes of a schema."),
    "sync": ("dbsync.cli.sync:sync", "Make a target's rows like the source's, verified."),
    "schedule": ("dbsync.cli.schedule:schedule_app", "When the syncs of the config file run."),
    "config": ("dbsync.cli.config:config_app", "The config file: make one, show it, check it."),
    "serve": ("dbsync.cli.serve:serve", "The HTTP server: an existing frontend's backend."),
    "jobs": ("dbsync.cli.jobs:jobs_app", "Syncs that are kept: look, pause, resume, stop."),
    "worker": ("dbsync.cli.worker:worker", "Run queued jobs, on as many hosts as share the store."),
    "audit": ("dbsync.cli.audit:audit_app", "Who did what: a log that is only added to."),
    "doctor": ("dbsync.cli.doctor:doctor", "This machine; what runs that died left in databases; --fix cleans up."),
    "demo": ("dbsync.cli.demo:demo", "Two embedded servers, a shop of odd data, a verified sync."),
    "connections": ("dbsync.cli.connections:connections_app", "Databases saved under a name, their URLs encrypted."),
    "local": ("dbsync.cli.local:local_app", "Embedded Postgres servers: local:NAME."),
}
_COMPLETION = "_DBSYNC_COMPLETE"
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # Typer exports no other name for it


class Root(Group):
    """The command ``dbsync``, which loads its commands when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command's module and return the command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        return getattr(import_module(module), attribute)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()] or [("", "")])


def root_command() -> Any:
    """Build the command ``dbsync``."""
    app = typer.Typer(
        name="dbsync", cls=Root, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
        context_settings=CONTEXT_SETTINGS, epilog=EPILOG,
        help="Test, explore, compare and synchronise Postgres databases.",
    )  # fmt: skip
    app.callback()(remember_globals(lambda: None))
    return typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None, *, early: Sequence[int] = ()) -> NoReturn:
    """Run dbsync and end the process; ``early`` holds a signal that came before anybody could handle it."""
    # Collections during imports and at the end are an eighth of a short call's time and find nothing.
    gc.disable()
    codes: list[int] = []
    atexit.register(_leave, codes)  # the last to be called of what is registered from here on
    codes.append(run(sys.argv[1:] if arguments is None else arguments, early=early))
    _flush()
    gc.freeze()
    sys.exit(codes[0])


def _leave(codes: Sequence[int]) -> None:
    """Leave at once when all that has to be done at the end is done: to take modules apart would take 13 ms.

    Threads that count have ended, and whoever asked to be called at the end was called. A debugger or a profiler,
    which came before, is left its turn.
    """
    if codes and sys.gettrace() is None and sys.getprofile() is None:
        logging.shutdown()
        _flush()
        os._exit(codes[0])


def _flush() -> None:
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            discard(descriptor)  # else Python fails once more when it flushes at its end


def run(arguments: Sequence[str], *, early: Sequence[int] = ()) -> int:
    """Run one call and return its exit code; no exception leaves this function."""
    _open_standard_streams()
    call = Call(arguments, os.environ)
    signals.install(call)
    try:
        try:
            if early:
                signals.again(early[0])
            code = _dispatch(call, list(arguments))
        except BaseException as error:  # the boundary: also KeyboardInterrupt, raised by a signal
            code = _end(call, error)
        signals.stop_clock()
        call.conclude()
        return code
    finally:
        signals.stop_clock()
        call.close()


def _dispatch(call: Call, arguments: list[str]) -> int:
    command = root_command()
    if os.environ.get(_COMPLETION):
        os.environ["TERMINAL_WIDTH"] = "10000"  # Typer has rich wrap the help, and shells read an offer a line
        command.main(arguments, prog_name="dbsync")
    with command.make_context("dbsync", arguments, obj=call) as ctx:
        command.invoke(ctx)
    return call.exit_code


def _end(call: Call, error: BaseException) -> int:
    try:
        if isinstance(error, typer.Exit):
            return error.exit_code
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else 0
        if isinstance(error, BrokenPipeError):
            discard(1)
        elif call.control.reason is not None:
            call.fail(call.control.reason)
        elif isinstance(error, KeyboardInterrupt):
            call.fail(Interrupted())
        elif isinstance(error, _USAGE_ERROR):
            return _usage(call, error)
        elif isinstance(error, DbsyncError):
            call.fail(error)
        elif isinstance(error, OSError):
            place = f"{error.filename!r}: " if error.filename else ""
            call.fail(DbsyncError(f"{place}{error.strerror or type(error).__name__}", code="SYSTEM"))
        else:
            call.fault(error)
    except DbsyncError as second:  # the report itself cannot be written
        call.fail(second)
    return call.exit_code


def _usage(call: Call, error: Any) -> int:
    path = error.ctx.command_path if error.ctx is not None else "dbsync"
    if type(error).__name__ == "NoArgsIsHelpError":
        if call.wants_json:  # one document, whatever happens
            call.fail(UsageFault("the command is missing", hint=f"see {' '.join(_words(path))} --help"))
            return call.exit_code
        typer.echo(error.format_message(), err=True)
        return 2
    parameter = getattr(error, "param", None)
    origin = error.ctx.origin(parameter.name) if parameter is not None and error.ctx is not None else None
    message = _sentence(error.format_message()) + (f" (from {origin})" if origin else "")
    call.fail(UsageFault(message, hint=f"see {' '.join(_words(path))} --help"))
    return call.exit_code


def _words(path: str) -> list[str]:
    """The command's words without the arguments that the usage line mixes in."""
    return [word for word in path.split() if word.islower() and word.replace("-", "").isalnum()]


def _sentence(text: str) -> str:
    return " ".join(text.split()).replace(": Value error, ", ": ")


def _open_standard_streams() -> None:
    """Give closed standard streams a sink, so that no socket or file takes their place; write UTF-8."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Python sets a stream to None when its descriptor was closed; these stay open to the end.
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
