"""What is said beside the data: lines on stderr and in the log file, as text or JSON, secrets masked.

A log that cannot be written (full disk, closed stream) is given up quietly; it never stops a run.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dbsync.cli.log_records import mask_records
from dbsync.cli.options import GlobalOptions, LogFormat
from dbsync.cli.terminal import Terminal, escape
from dbsync.errors import ConfigError

LOGGER = logging.getLogger("dbsync")
_STYLES = {"error": ("red", "bold"), "warning": ("yellow",), "hint": ("cyan",)}


class Journal:
    """The one place that tells people things; ``terminal`` is stderr."""

    def __init__(self, options: GlobalOptions, terminal: Terminal, redact: Callable[[str], str]) -> None:
        self.terminal = terminal
        self._options = options
        self._redact = redact
        self._file = open_log_file(options.log_file) if options.log_file else None
        self._unmask = mask_records(redact)
        self._of_others = _ToJournal(self)
        self._start_logging()

    def error(self, message: str, hint: str | None = None, listed: Sequence[str] = ()) -> None:
        """Tell why the command failed, and all that it sums up a line each; under --quiet on a single line."""
        if self._options.quiet:
            message, hint, listed = f"{message} ({hint})" if hint else message, None, ()
        self._tell("error", message, hint, listed=listed)

    def warning(self, message: str, *, always: bool = False) -> None:
        """Warn, unless --quiet; ``always``: what is printed or done is not what it seems without it."""
        self._tell("warning", message, show=always or not self._options.quiet)

    def notice(self, message: str) -> None:
        """Say something worth telling, unless --quiet."""
        self._tell("info", message, show=not self._options.quiet)

    def debug(self, message: str) -> None:
        """Say something that only -vv wants to see."""
        self._tell("debug", message, show=self._options.verbose > 1)

    def progress(self, line: str) -> None:
        """Tell a line of progress, which the log file does not need."""
        as_json = self._options.log_format == "json"
        self.terminal.line(_json_line("info", line, None) if as_json else escape(line))

    def log(self, line: str) -> None:
        """Write a line to the log file only."""
        self._tell("info", line, show=False)

    def close(self) -> None:
        """Stop logging and close the log file."""
        LOGGER.handlers.clear()
        logging.getLogger().removeHandler(self._of_others)
        logging.captureWarnings(False)
        self._unmask()
        if self._file is not None:
            self._file.close()

    def _tell(
        self,
        level: str,
        message: str,
        hint: str | None = None,
        *,
        listed: Sequence[str] = (),
        show: bool = True,
        logger: str | None = None,
    ) -> None:
        message, hint = self._redact(message), self._redact(hint) if hint else None
        listed = list(map(self._redact, listed))
        if show and self._options.log_format == "json":
            self.terminal.line(_json_line(level, message, hint, logger))
            for one in listed:
                self.terminal.line(_json_line(level, one, None, logger))
        elif show:
            for line in self._lines(level, f"{logger}: {message}" if logger else message, hint, listed):
                self.terminal.line(line)
        if self._file is not None:
            self._file.line(_log_line(self._options.log_format, level, message, hint, logger))
            for one in listed:
                self._file.line(_log_line(self._options.log_format, level, one, None, logger))

    def _lines(self, level: str, message: str, hint: str | None, listed: Sequence[str]) -> list[str]:
        prefix = "" if level == "info" else self.terminal.styled(f"{level}:", *_STYLES.get(level, ())) + " "
        lines = [prefix + escape(message, keep="\n"), *(f"  {escape(one)}" for one in listed)]
        if hint:
            lines.append(self.terminal.styled("hint:", *_STYLES["hint"]) + " " + escape(hint, keep="\n"))
        return lines

    def _start_logging(self) -> None:
        LOGGER.handlers.clear()
        LOGGER.addHandler(_ToJournal(self))
        logging.getLogger().addHandler(self._of_others)  # else Python prints what libraries warn of, unmasked
        logging.captureWarnings(True)
        LOGGER.propagate = False
        wanted = logging.DEBUG if self._options.verbose > 1 else logging.INFO
        LOGGER.setLevel(wanted if self._options.verbose or self._file else logging.WARNING)

    def record(self, record: logging.LogRecord) -> None:
        """Take in a developer's log record: shown from -v on, always in the log file."""
        shown = record.levelno >= logging.WARNING or self._options.verbose > 0
        logger = record.name if record.name != LOGGER.name else None
        shown = shown and not self._options.quiet
        self._tell(record.levelname.lower(), record.getMessage(), show=shown, logger=logger)
        for line in (record.exc_text or "").splitlines():
            self._tell("debug", line, show=self._options.verbose > 1, logger=logger)


class _ToJournal(logging.Handler):
    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        self._journal.record(record)


def open_log_file(path: Path) -> Terminal:
    """Open the log file for appending; raise ConfigError if that cannot be done."""
    try:
        stream = path.open("a", encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "name a file that can be written to"
        raise ConfigError(f"cannot open the log file {str(path)!r}: {reason}", hint=hint) from error
    return Terminal(stream, color="never")


def _log_line(log_format: LogFormat, level: str, message: str, hint: str | None, logger: str | None) -> str:
    if log_format == "json":
        return _json_line(level, message, hint, logger)
    text = f"{message} (hint: {hint})" if hint else message
    text = f"{logger}: {text}" if logger else text
    return f"{_now()} {level.upper():7} {escape(text)}"


def _json_line(level: str, message: str, hint: str | None, logger: str | None = None) -> str:
    facts = {"time": _now(), "level": level, "message": message, "hint": hint, "logger": logger}
    return json.dumps({name: value for name, value in facts.items() if value is not None}, ensure_ascii=False)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z"


def stderr_terminal(options: GlobalOptions) -> Terminal:
    """Return the terminal that people read."""
    return Terminal(sys.stderr, color=options.color)
