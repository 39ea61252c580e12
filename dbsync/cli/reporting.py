"""Tells the machines around a run how it went: a summary, metrics, heartbeats, a command on failure.

Set up before anything else is looked at, so that a run that fails at once is told of too. What goes wrong here is a
warning. A dry run writes its summary only: nothing was synchronised.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from dbsync.child_environment import child_environment
from dbsync.cli.call import Call
from dbsync.cli.options import REPORTING_NAMES
from dbsync.cli.output import check_writable, redacted, write_file
from dbsync.errors import ConfigError, DbsyncError
from dbsync.outcome import Outcome
from dbsync.outcome.failure_command import TIME_LIMIT_S, FailureCommand
from dbsync.outcome.heartbeat import Heartbeat
from dbsync.outcome.metrics import metrics_text
from dbsync.outcome.summary import summary_text

_AFTER_A_STOP_S = 2.0  # the process ends five seconds after a signal, whatever it does
_LONGEST_FILE = 1024 * 1024


def report_on(call: Call, values: Mapping[str, Any]) -> None:
    """Report on a call with these values of its options. Raises ConfigError for options that cannot work."""
    asked = [f"--{option.replace('_', '-')}" for option in sorted(REPORTING_NAMES) if values[option]]
    if values.get("detach") and asked:
        raise ConfigError(f"--detach does not wait for the end that {asked[0]} is to tell", hint="use --queue")
    reporter = _Reporter(call, values)
    call.on_start.append(reporter.begin)
    call.after_end.append(reporter.conclude)


class _Reporter:
    def __init__(self, call: Call, values: Mapping[str, Any]) -> None:
        self._call = call
        self._labels = _labels(values, call.redact)
        self._live = not values.get("dry_run")
        self._summary: Path | None = values["summary_file"]
        self._metrics: Path | None = values["metrics_file"]
        url, command = values["heartbeat_url"], values["on_failure"]
        self._heartbeat = Heartbeat.parse(url) if url and self._live else None
        self._command = FailureCommand.parse(command) if command and self._live else None
        for option, path in (("--summary-file", self._summary), ("--metrics-file", self._metrics)):
            if path is not None:
                check_writable(path, option)
        self._started_at = time.time()
        self._beginning: threading.Thread | None = None

    def begin(self) -> None:
        """Ping beside the work, which does not wait for it."""
        if self._heartbeat is not None:
            self._beginning = threading.Thread(
                target=self._told, args=(self._heartbeat.start,), name="heartbeat", daemon=True
            )
            self._beginning.start()

    def conclude(self, hurried: bool) -> None:
        """The call has ended: tell what was asked for; in a hurry only what takes no time."""
        outcome = self._outcome()
        skipped = outcome.state == "skipped"  # the run that holds the target has metrics and heartbeats of its own
        if self._summary is not None:
            self._told(partial(_write_summary, self._summary, summary_text(outcome)))
        if self._metrics is not None and self._live and not skipped:
            self._told(partial(_write_metrics, self._metrics, outcome))
        if hurried or skipped:
            return
        if self._heartbeat is not None:
            self._told(partial(self._ping_end, outcome))
        if self._command is not None and outcome.exit_code != 0:
            self._told(partial(self._run_command, outcome))

    def _told(self, attempt: Callable[[], str | None]) -> None:
        """Attempt it; what is wrong with it is told, and no more than that."""
        try:
            failure = attempt()
        except DbsyncError as error:
            failure = error.message
        except OSError as error:
            failure = f"{error.filename or 'a file'} cannot be written: {error.strerror or type(error).__name__}"
        if failure is not None:
            self._call.journal.warning(failure)

    def _ping_end(self, outcome: Outcome) -> str | None:
        assert self._heartbeat is not None
        if self._beginning is not None:
            self._beginning.join()  # else the service could see the end before the beginning
        return self._heartbeat.end(outcome)

    def _run_command(self, outcome: Outcome) -> str | None:
        assert self._command is not None
        limit_s = TIME_LIMIT_S if self._call.control.reason is None else _AFTER_A_STOP_S
        return self._command.run(
            outcome, child_environment(), redact=self._call.redact, limit_s=limit_s, verbose=self._call.verbose
        )

    def _outcome(self) -> Outcome:
        call = self._call
        error = call.error.to_dict() if call.error is not None else None
        return Outcome(
            labels=self._labels,
            exit_code=call.exit_code,
            started_at=self._started_at,
            ended_at=time.time(),
            result=redacted(call.answer.result, call.redact) if call.answer is not None else {},
            error=redacted(error, call.redact),
        )


def _labels(values: Mapping[str, Any], redact: Callable[[str], str]) -> dict[str, str]:
    """Which sync this is, the same whether or not it gets as far as opening its ends."""
    if values.get("job"):
        return {"sync": values["job"]}
    return {name: redact(values[name]) for name in ("source", "target") if values.get(name)}


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
