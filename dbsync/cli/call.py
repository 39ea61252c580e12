"""One call of dbsync from its arguments to its exit code: the single place where errors end.

Whatever happens, stdout holds data or one JSON document, stderr one message and a hint, and the exit
code is one of the table in the reference. A traceback is shown only under -vv, masked, on stderr.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from dbsync.cli.journal import Journal, stderr_terminal
from dbsync.cli.options import Format, GlobalOptions, OutputFile
from dbsync.cli.output import Answer, Rendering, Report, chunks, drop_unfinished, json_text, write_file
from dbsync.cli.redaction import Redactor
from dbsync.cli.terminal import escape, is_terminal
from dbsync.control import Control
from dbsync.errors import ConfigError, DbsyncError, InternalFault, Interrupted
from dbsync.events import Event, TableFinished

_DATA = frozenset({"json", "jsonl", "csv", "sql"})  # formats that hold text from a database as it is
_LISTED = ("problems", "refusals")  # what an error's details may hold, each a sentence
_SHORT_WITH_VALUE = "cpo"
_SHORT_FLAGS = "qvyh"
CUT_OFF = "the work did not stop in time and was cut off; the server undoes what was not committed"
CUT_SHORT = "the work was over, but what it found could not be written in time"


class Call:
    """What is known about this call so far, and how it ends."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.control = Control()
        self.report = Report()
        self.redact = Redactor(arguments, environ)
        self.graceful = False  # the command looks at control by itself
        self.silent_text = False  # --quiet silences its text
        self.exit_code = 0
        self.signals = 0
        self.watched = False  # a signal or the time limit has struck: the process ends in time
        self.committed: list[str] = []  # tables
        self.before_end: list[Callable[[], None]] = []  # what gives the terminal back
        self.on_start: list[Callable[[], None]] = []
        self.after_end: list[Callable[[bool], None]] = []  # what tells others how it ended; True: there is no time
        self.so_far: Callable[[], Any] | None = None  # the result, where there is no answer yet
        self.answer: Answer | None = None
        self.error: DbsyncError | None = None
        self.ending = False  # the answer or the error is being written: signals no longer break in
        self._begun = False  # stdout has its document, or the beginning of it: nothing else may go there
        self._delivered = False  # and it has all of it: the exit code stands
        self._leaving: int | None = None  # the thread that ends the process now
        self._json = wants_json(arguments, environ)
        self._options = GlobalOptions(quiet=_has_short_flag(arguments, "q", "--quiet"), verbose=_verbosity(arguments))
        self._journal: Journal | None = None

    @property
    def journal(self) -> Journal:
        """Where to tell things; before the options are known, with what the arguments look like."""
        if self._journal is None:
            self._journal = Journal(self._options, stderr_terminal(self._options), self.redact)
        return self._journal

    @property
    def verbose(self) -> bool:
        """Whether a person wants to see more."""
        return self._options.verbose > 0

    @property
    def wants_json(self) -> bool:
        """Whether stdout is one JSON document."""
        return self._json

    def begin(self, options: GlobalOptions) -> None:
        """The options are read and sound: from now on they hold. Raises ConfigError for a log file that cannot be."""
        self._json = options.format == "json"
        self._options = replace(options, log_file=None)  # all there is where the log file cannot be opened
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._journal = Journal(options, stderr_terminal(options), self.redact)
        self._options = options
        self.control.limit(options.timeout)

    def start(self) -> None:
        """The work itself begins now: tell those who wait for it, once."""
        while self.on_start:
            self.on_start.pop()()

    def warn(self, message: str, *, always: bool = False) -> None:
        """Tell a warning now and keep it for the JSON document; ``always``: under --quiet, too."""
        if message not in self.report.warnings:
            self.report.warnings.append(message)
            self.journal.warning(message, always=always)

    def deliver(self, answer: Answer) -> None:
        """Write the answer to stdout and to every -o, and settle the exit code."""
        self._begin_end()
        self.exit_code, self.answer, self.error = answer.exit_code, answer, answer.error
        files = self._options.outputs
        named = [output for output in files if self._by_name(answer, output) is not None]
        for output in files:
            self._to_file(answer, output)
        if all(output.format is not None or output in named for output in files):
            # --quiet: nothing on success, one line on stderr for an error; a negative answer speaks for itself
            told = answer.exit_code == 0 or answer.error is not None or answer.hushed
            silent = self._options.quiet and self.silent_text and told and self._options.format == "text"
            pieces = () if silent else self._shown(answer)
            self._begun = True
            self._to_stdout(pieces)
        self._begun = self._delivered = True
        if answer.error is not None:
            self._tell(answer.error)

    def stream(self, pieces: Iterable[str]) -> None:
        """Write text to stdout at once, before the answer; a terminal is spared what could steer it."""
        self._to_stdout((escape(piece, keep="\n\t") for piece in pieces) if is_terminal(sys.stdout) else pieces)

    def fail(self, error: DbsyncError) -> None:
        """Write the error as the document and as a message with its hint, and settle the exit code.

        What cannot be written then is a warning. Files come last: they may be what has failed.
        """
        self._begin_end()
        self.exit_code, self.error = error.status, error
        begun, self._begun = self._begun, True
        if not begun:
            self._failure_to_stdout(error)
        self._tell(error)
        delivered, self._delivered = self._delivered, True
        if not delivered:
            self._failure_to_files(error)

    def fault(self, error: BaseException) -> None:
        """An error that nobody foresaw: exit code 70, and the traceback only on demand."""
        if self._options.verbose > 1:
            for line in "".join(traceback.format_exception(error)).splitlines():
                self.journal.debug(line)
        self.fail(InternalFault.of(error))

    def note(self, event: Event) -> None:
        """Remember what a report would have to say, should there be none."""
        if isinstance(event, TableFinished) and event.state == "done":
            self.committed.append(str(event.table))

    def conclude(self, *, hurried: bool = False) -> None:
        """Everything is written: tell others how it ended. Their trouble is a warning, it changes no exit code."""
        hooks, self.after_end = self.after_end, []
        for hook in reversed(hooks):  # the audit log comes before what may wait for others
            try:
                hook(hurried)
            except Exception as error:  # the call has ended: nothing may change how
                self.journal.warning(InternalFault.of(error).message)

    def close(self) -> None:
        """Close the log file; the call is over."""
        if self._journal is not None:
            self._journal.close()

    def cut_off(self, last_words_s: float) -> None:
        """The work, or whoever reads the answer, took too long after a signal: end the process with a true report.

        It ends within so many seconds, whether or not anybody reads what is said last.
        """
        if self._leaving is not None:
            return
        self._leaving = _thread.get_ident()
        reason = self.control.reason or Interrupted()
        if not self._delivered:  # whatever the answer would have been
            self.exit_code, self.error = reason.status, reason
        with suppress(RuntimeError):  # no thread is left
            _thread.start_new_thread(_leave_in, (last_words_s, self.exit_code))
        try:
            drop_unfinished()
            if not self._delivered:
                self._give_up(reason)
            self.conclude(hurried=True)
        finally:
            os._exit(self.exit_code)

    def _give_up(self, reason: DbsyncError) -> None:
        # There is no report of the work, which may still believe to be at it; what it had told of stays true.
        done = f"; committed before: {', '.join(self.committed)}" if self.committed else ""
        with suppress(Exception):  # another thread may hold what is needed to tell
            if self._begun:
                self.journal.error(f"{reason.message}: {CUT_SHORT}{done}", reason.what_to_do)
                self._failure_to_files(reason)
                return
            self.report.warnings.append((CUT_SHORT if self.ending else CUT_OFF) + done)
            self.fail(reason)

    def _tell(self, error: DbsyncError) -> None:
        """Tell people of the error; one that sums up several things names them all."""
        listed = [str(one) for name in _LISTED for one in error.details.get(name, ())]
        self.journal.error(error.message, error.what_to_do, listed if listed[1:] else ())

    def _begin_end(self) -> None:
        while self._leaving not in (None, _thread.get_ident()):
            time.sleep(1)  # another thread ends the process, and has said how
        self.ending = True
        while self.before_end:
            self.before_end.pop()()

    def _by_name(self, answer: Answer, output: OutputFile) -> Rendering | None:
        suffix = output.path.suffix
        if output.format is not None or suffix == f".{self._options.format}":
            return None
        return answer.by_suffix.get(suffix)

    def _shown(self, answer: Answer) -> Iterable[str]:
        """What goes to stdout. Data is exact in files and pipes; a terminal is spared what could steer it."""
        pieces = self._rendered(answer, self._options.format)
        if self._options.format in _DATA and is_terminal(sys.stdout):
            return (escape(piece, keep="\n\t") for piece in pieces)
        return pieces

    def _rendered(self, answer: Answer, chosen: Format) -> Iterable[str]:
        if chosen == "json":
            return [json_text(self._envelope(answer=answer, error=answer.error))]
        return chunks(answer.render[chosen])

    def _to_file(self, answer: Answer, output: OutputFile) -> None:
        """Write the answer to one file; where it has an error of its own, that is not hidden by a full disk."""
        rendering = self._by_name(answer, output)
        try:
            write_file(
                output.path,
                chunks(rendering) if rendering else self._rendered(answer, output.format or self._options.format),
            )
        except DbsyncError as error:
            if answer.error is None:
                raise
            self.warn(error.message)

    def _failure_to_stdout(self, error: DbsyncError) -> None:
        if self._json and all(output.format is not None for output in self._options.outputs):
            try:
                self._to_stdout([json_text(self._envelope(answer=self._unanswered(), error=error))])
            except DbsyncError as second:
                self.warn(second.message)

    def _failure_to_files(self, error: DbsyncError) -> None:
        """Let files tell of the error, too, beside the result that they may hold already."""
        for output in self._options.outputs:
            if (output.format or self._options.format) == "json":
                try:
                    answer = self.answer or self._unanswered()
                    write_file(output.path, [json_text(self._envelope(answer=answer, error=error))])
                except DbsyncError as second:
                    if second.message != error.message:
                        self.warn(second.message)

    def _unanswered(self) -> Answer | None:
        return Answer(result=self.so_far()) if self.so_far is not None else None

    def _envelope(self, *, answer: Answer | None = None, error: DbsyncError | None = None) -> dict[str, object]:
        return self.report.envelope(
            exit_code=self.exit_code, elapsed_s=self.control.elapsed(), redact=self.redact, answer=answer, error=error
        )

    def _to_stdout(self, pieces: Iterable[str]) -> None:
        try:
            for piece in pieces:
                sys.stdout.write(piece)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has seen enough (`| head`). The exit code still tells what was found.
            discard(1)
        except OSError as error:
            discard(1)
            raise DbsyncError(f"cannot write to stdout: {error.strerror or error}", code="OUTPUT") from error


def _leave_in(seconds: float, code: int) -> None:
    """End the process at last, though somebody is still about to say something."""
    time.sleep(seconds)
    drop_unfinished()
    os._exit(code)


class UsageFault(ConfigError):
    """The command line cannot be understood."""

    code = "USAGE"


def discard(descriptor: int) -> None:
    """Let nothing more reach a stream that is broken."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, descriptor)
    os.close(sink)


def wants_json(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Guess before parsing whether the caller wants JSON; for command lines that cannot be parsed."""
    chosen: str | None = None
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            break
        if argument == "--json":
            return True
        name, equals, value = argument.partition("=")
        if name == "--format":
            chosen = value if equals else next(rest, None)
        elif argument.startswith("-") and not argument.startswith("--"):
            letters = argument[1:].lstrip(_SHORT_FLAGS)
            if letters.startswith("f"):
                chosen = letters[1:].removeprefix("=") or next(rest, None)
            elif letters[:1] in tuple(_SHORT_WITH_VALUE) and not letters[1:]:
                next(rest, None)
    if chosen is None:
        chosen = environ.get("DBSYNC_FORMAT")
        if environ.get("DBSYNC_JSON", "").lower() in ("1", "true", "yes", "on", "y", "t"):
            return True
    return chosen == "json"


def _verbosity(arguments: Sequence[str]) -> int:
    short = [argument[1:] for argument in arguments if argument.startswith("-")]
    return sum(len(letters) for letters in short if set(letters) == {"v"}) + list(arguments).count("--verbose")


def _has_short_flag(arguments: Sequence[str], letter: str, name: str) -> bool:
    return name in arguments or any(
        argument.startswith("-") and not argument.startswith("--") and letter in argument[1:]
        and not set(argument[1:]) - set(_SHORT_FLAGS)
        for argument in arguments
    )  # fmt: skip
