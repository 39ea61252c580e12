"""What one sync has to tell the machines around it: a summary, metrics, heartbeats, a command on failure.

What goes wrong here is a warning. A dry run writes its summary only: nothing was synchronised.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbsync.child_environment import child_environment
from dbsync.cli.output import check_writable, redacted, write_file
from dbsync.errors import DbsyncError
from dbsync.outcome import Outcome
from dbsync.outcome.failure_command import TIME_LIMIT_S, FailureCommand
from dbsync.outcome.metrics import metrics_text
from dbsync.outcome.summary import summary_text

if TYPE_CHECKING:
    from dbsync.outcome.heartbeat import Heartbeat

_LONGEST_FILE = 1024 * 1024


class Reporter:
    """Tells of runs with these values of the options. Raises ConfigError for options that cannot work.

    ``warn`` takes what went wrong; ``verbose``: the command's output is shown.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        redact: Callable[[str], str],
        warn: Callable[[str], None],
        verbose: bool = False,
    ) -> None:
        self._redact, self._warn, self._verbose = redact, warn, verbose
        self._live = not values.get("dry_run")
        summary, metrics = values["summary_file"], values["metrics_file"]  # texts where nobody called the command
        self._summary = Path(summary) if summary is not None else None
        self._metrics = Path(metrics) if metrics is not None else None
        url, command = values["heartbeat_url"], values["on_failure"]
        self._heartbeat = _heartbeat(url) if url and self._live else None
        self._command = FailureCommand.parse(command) if command and self._live else None
        for option, path in (("--summary-file", self._summary), ("--metrics-file", self._metrics)):
            if path is not None:
                check_writable(path, option)

    @property
    def pings(self) -> bool:
        """Whether a beginning is to be told."""
        return self._heartbeat is not None

    def ping_start(self) -> None:
        """Tell the heartbeat's service that a run begins."""
        if self._heartbeat is not None:
            self._told(self._heartbeat.start)

    def write_files(self, outcome: Outcome) -> None:
        """Write the files that tell how a run ended, which takes no time."""
        told = self._masked(outcome)
        if self._summary is not None:
            self._told(partial(_write_summary, self._summary, summary_text(told)))
        if self._metrics is not None and self._live and not _is_skipped(told):
            self._told(partial(_write_metrics, self._metrics, told))

    def tell(self, outcome: Outcome, *, limit_s: float = TIME_LIMIT_S) -> None:
        """Ping how a run ended, and run the command if it failed, for so long at most."""
        if _is_skipped(outcome):
            return
        told = self._masked(outcome)
        if self._heartbeat is not None:
            self._told(partial(self._heartbeat.end, told))
        if self._command is not None and told.exit_code != 0:
            run = self._command.run
            self._told(
                lambda: run(told, child_environment(), redact=self._redact, limit_s=limit_s, verbose=self._verbose)
            )

    def _masked(self, outcome: Outcome) -> Outcome:
        return replace(
            outcome, result=redacted(outcome.result, self._redact), error=redacted(outcome.error, self._redact)
        )

    def _told(self, attempt: Callable[[], str | None]) -> None:
        """Attempt it; what is wrong with it is told, and no more than that."""
        try:
            failure = attempt()
        except DbsyncError as error:
            failure = error.message
        except OSError as error:
            failure = f"{error.filename or 'a file'} cannot be written: {error.strerror or type(error).__name__}"
        if failure is not None:
            self._warn(failure)


def _heartbeat(url: str) -> Heartbeat:
    from dbsync.outcome.heartbeat import Heartbeat  # it loads a client for HTTP

    return Heartbeat.parse(url)


def _is_skipped(outcome: Outcome) -> bool:
    """Whether it did not take place: the run that holds the target has metrics and heartbeats of its own."""
    return outcome.state == "skipped"


def _write_summary(path: Path, text: str) -> None:
    if str(path) != os.environ.get("GITHUB_STEP_SUMMARY"):
        write_file(path, [text])
        return
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:  # other commands of the step write there
        file.write(text + "\n")


def _write_metrics(path: Path, outcome: Outcome) -> None:
    before = ""
    with suppress(OSError):
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                before = file.read(_LONGEST_FILE)
    write_file(path, [metrics_text(outcome, before)])
