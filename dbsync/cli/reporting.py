"""Tells the machines around a call how it went, by ``reporter``.

Set up before anything else is looked at, so that a run that fails at once is told of too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from dbsync.cli.call import Call
from dbsync.cli.options import REPORTING_NAMES
from dbsync.cli.reporter import Reporter
from dbsync.errors import ConfigError
from dbsync.outcome import Outcome
from dbsync.outcome.failure_command import TIME_LIMIT_S

_AFTER_A_STOP_S = 2.0  # the process ends five seconds after a signal, whatever it does


def report_on(call: Call, values: Mapping[str, Any]) -> None:
    """Report on a call with these values of its options. Raises ConfigError for options that cannot work."""
    asked = [f"--{option.replace('_', '-')}" for option in sorted(REPORTING_NAMES) if values[option]]
    if values.get("detach") and asked:
        raise ConfigError(f"--detach does not wait for the end that {asked[0]} is to tell", hint="use --queue")
    report = _CallReport(call, values, asked)
    call.on_start.append(report.begin)
    call.after_end.append(report.conclude)


class _CallReport:
    def __init__(self, call: Call, values: Mapping[str, Any], reports: list[str]) -> None:
        self._call, self._reports = call, reports
        self._labels = _labels(values, call.redact)
        self._reporter = Reporter(
            values, redact=call.redact, warn=lambda text: call.journal.warning(text), verbose=call.verbose
        )
        self._started_at = time.time()
        self._beginning: threading.Thread | None = None

    def begin(self) -> None:
        """Ping beside the work, which does not wait for it."""
        if not self._reporter.pings:
            return
        self._beginning = threading.Thread(target=self._reporter.ping_start, name="heartbeat", daemon=True)
        self._beginning.start()

    def conclude(self, hurried: bool) -> None:
        """The call has ended: tell what was asked for; in a hurry only what takes no time."""
        outcome = self._outcome()
        if outcome.goes_on:  # a terminal's look at a job is over: neither a success nor a failure
            if self._reports:
                self._call.journal.warning(f"how it ends is not told to {', '.join(self._reports)}: the job goes on")
            return
        self._reporter.write_files(outcome)
        if hurried:
            return
        if self._beginning is not None:
            self._beginning.join()  # else the service could see the end before the beginning
        self._reporter.tell(outcome, limit_s=TIME_LIMIT_S if self._call.control.reason is None else _AFTER_A_STOP_S)

    def _outcome(self) -> Outcome:
        call = self._call
        return Outcome(
            labels=self._labels,
            exit_code=call.exit_code,
            started_at=self._started_at,
            ended_at=time.time(),
            result=call.answer.result if call.answer is not None else {},
            error=call.error.to_dict() if call.error is not None else None,
        )


def _labels(values: Mapping[str, Any], redact: Callable[[str], str]) -> dict[str, str]:
    """Which sync this is, the same whether or not it gets as far as opening its ends."""
    if values.get("job"):
        return {"sync": values["job"]}
    return {name: redact(values[name]) for name in ("source", "target") if values.get(name)}
