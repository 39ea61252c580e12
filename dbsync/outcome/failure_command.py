"""``--on-failure COMMAND``: a program that is told of a run that failed.

It runs without a shell, for a limited time, with the facts in ``DBSYNC_RUN_*`` and as JSON on stdin. Nothing it does
changes how the run ended, and variables that hold a password which dbsync knows are not handed on.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from dbsync.errors import ConfigError
from dbsync.outcome.facts import Outcome

TIME_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class FailureCommand:
    """A program and its arguments."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> FailureCommand:
        """Split the command as a shell would; raise ConfigError where that cannot be done."""
        try:
            words = tuple(shlex.split(text))
        except ValueError:
            raise ConfigError("--on-failure has an open quote") from None
        if not words or "\0" in text:
            raise ConfigError("--on-failure names no program")
        return cls(words)

    def run(
        self,
        outcome: Outcome,
        environ: Mapping[str, str],
        *,
        redact: Callable[[str], str],
        limit_s: float = TIME_LIMIT_S,
        verbose: bool = False,
    ) -> str | None:
        """Run it to its end; return why it did not do well, or None. Its output is shown, on stderr, if verbose."""
        name = os.path.basename(self.words[0])
        facts = json.dumps(outcome.to_dict(), ensure_ascii=False)
        sink = None if verbose else subprocess.DEVNULL
        try:
            started = subprocess.Popen(
                self.words,
                stdin=subprocess.PIPE,
                stdout=2 if verbose else subprocess.DEVNULL,
                stderr=sink,
                env=_passed_on(environ, redact) | _variables(outcome),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"--on-failure: {name} cannot be run: {(getattr(error, 'strerror', None) or 'bad name').lower()}"
        with started:
            try:
                started.communicate(facts.encode(), timeout=limit_s)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(started.pid, signal.SIGKILL)
                return f"--on-failure: {name} was ended after {limit_s:g} s"
        return f"--on-failure: {name} ended with exit code {started.returncode}" if started.returncode else None


def _passed_on(environ: Mapping[str, str], redact: Callable[[str], str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name != "PGPASSWORD" and not name.startswith("DBSYNC_") and redact(f"{name}={value}") == f"{name}={value}"
    }


def _variables(outcome: Outcome) -> dict[str, str]:
    facts = outcome.to_dict()
    error = outcome.error or {}
    values = {
        "SYNC": facts["sync"],
        "SOURCE": facts["source"],
        "TARGET": facts["target"],
        "ID": facts["run_id"],
        "STATE": facts["state"],
        "EXIT_CODE": facts["exit_code"],
        "ERROR": error.get("code"),
        "MESSAGE": error.get("message"),
        "ELAPSED_S": facts["elapsed_s"],
    }
    return {f"DBSYNC_RUN_{name}": str(value).replace("\0", "") for name, value in values.items() if value is not None}
