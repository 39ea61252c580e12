"""PURE: a schedule as a crontab line, as a systemd service with its timer, as a GitHub workflow.

Names only: no URL and no secret ever stands in them, and nothing is installed. What a scheduler cannot do as the
schedule says is refused, or told in a comment.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from dbsync.errors import ConfigError
from dbsync.schedule.calendar import crontab_fields, moved_firings, on_calendar, utc_fields
from dbsync.schedule.model import Schedule

_PREPARATION = """\
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Get dbsync
        run: |
          git clone --depth 1 "$DBSYNC_REPOSITORY" "$RUNNER_TEMP/dbsync"
          pip install "$RUNNER_TEMP/dbsync%(extra)s"
        env:
          DBSYNC_REPOSITORY: ${{ vars.DBSYNC_REPOSITORY }} # where you keep your clone
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is to be installed. ``program`` is how the host calls dbsync, ``variables`` what its databases need.

    ``embedded``: one of them is a server of dbsync's own, whose programs are an extra.
    """

    name: str
    schedule: Schedule
    program: tuple[str, ...]
    config: str
    variables: tuple[str, ...]
    embedded: bool = False
    now: datetime
    host_zone: ZoneInfo | None  # the zone of the host's cron, where that is known

    def words(self, *more: str) -> list[str]:
        """The command line that the schedule runs."""
        return [*self.program, "-q", "-c", self.config, "schedule", "run", self.name, "--yes", *more]


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file: where it belongs, and its text."""

    path: str
    text: str


def crontab(plan: Installation) -> InstalledFile:
    """A line for ``crontab -e``. Where the host's cron lives in another zone, it asks more often and dbsync decides."""
    fields, exact = crontab_fields(plan.schedule, plan.host_zone, plan.now)
    options = [] if exact else ["--if-due"]
    options += ["--jitter"] if plan.schedule.jitter_s else []
    lines = [f"# {_about(plan)}"]
    if not exact:
        lines.append("# cron asks more often, in whichever time zone it lives; --if-due runs it at its time only")
    lines += [f"# set in this crontab: {name}=..." for name in plan.variables]
    command = " ".join(map(shlex.quote, plan.words(*options)))
    # In a crontab an unescaped % ends the command, inside quotes as well.
    lines.append(f"{fields} {_one_line(command).replace('%', chr(92) + '%')}")
    return InstalledFile("crontab", "\n".join(lines) + "\n")


def systemd(plan: Installation) -> list[InstalledFile]:
    """A service and its timer."""
    unit = f"dbsync-{plan.name}"
    return [
        InstalledFile(f"/etc/systemd/system/{unit}.service", "\n".join(_service(plan, unit)) + "\n"),
        InstalledFile(f"/etc/systemd/system/{unit}.timer", "\n".join(_timer(plan)) + "\n"),
    ]


def _service(plan: Installation, unit: str) -> Iterator[str]:
    yield from ("[Unit]", f"Description={_about(plan).replace('%', '%%')}")
    yield from ("Wants=network-online.target", "After=network-online.target", "", "[Service]", "Type=oneshot")
    if plan.variables:
        yield f"# a file of mode 0600 with {', '.join(f'{name}=...' for name in plan.variables)}"
        yield f"EnvironmentFile=/etc/dbsync/{unit}.env"
    yield f"ExecStart={' '.join(map(_systemd_word, plan.words()))}"


def _timer(plan: Installation) -> Iterator[str]:
    schedule = plan.schedule
    yield from ("[Unit]", f"Description={_about(plan).replace('%', '%%')}", "", "[Timer]")
    if schedule.overlap == "queue":
        yield "# systemd drops a firing while the service is still at work; overlap: queue holds for other runs only"
    if moved_firings(schedule, plan.now):
        yield "# in the night that puts the clock forward, systemd leaves out what falls into the hour that is skipped"
    yield from (f"OnCalendar={expression}" for expression in on_calendar(schedule))
    yield "AccuracySec=1s"
    if schedule.jitter_s:
        yield f"RandomizedDelaySec={schedule.jitter_s:g}s"
    yield f"Persistent={'true' if schedule.misfire == 'run_once' else 'false'}"
    yield from ("", "[Install]", "WantedBy=timers.target")


def github(plan: Installation) -> InstalledFile:
    """A workflow. GitHub's cron knows UTC only: a zone with summer time has a line for each offset, and one holds."""
    lines = utc_fields(plan.schedule, plan.now)
    in_github = replace(plan, program=("dbsync",))
    words = [*in_github.words(), "--summary-file"]
    command = " ".join(map(shlex.quote, map(_one_line, words))) + ' "$GITHUB_STEP_SUMMARY"'
    text = [f"# {_about(plan)}", "# GitHub starts scheduled workflows late at times, and leaves some out."]
    moves = any(offset is not None for _, offset in lines)
    text += ["# In the night that the clock changes, it may run twice or not at all."] if moves else []
    text += [f"name: {_yaml(f'dbsync {plan.name}')}", "on:", "  schedule:"]
    text += [f"    - cron: {_yaml(fields)}" for fields in dict.fromkeys(fields for fields, _ in lines)]
    text += ["  workflow_dispatch: {}", "permissions:", "  contents: read"]
    if plan.schedule.overlap == "queue":
        text += ["concurrency:", f"  group: {_yaml(f'dbsync-{plan.name}')}", "  cancel-in-progress: false"]
    text += ["jobs:", "  sync:", "    runs-on: ubuntu-latest"]
    if plan.schedule.timeout_s:
        text += [f"    timeout-minutes: {int(plan.schedule.timeout_s // 60) + 10}"]
    text += (_PREPARATION % {"extra": "[local]" if plan.embedded else ""}).splitlines()
    text += _due_step(plan.schedule, lines) if moves else []
    text += [f"      - name: {_yaml(f'sync {plan.name}')}"]
    text += ["        if: steps.due.outputs.now == 'true'"] if moves else []
    if plan.variables:
        text += ["        env:", *(f"          {name}: ${{{{ secrets.{name} }}}}" for name in plan.variables)]
    text += ["        run: |", f"          {command}"]
    return InstalledFile(f".github/workflows/dbsync-{plan.name}.yml", "\n".join(text) + "\n")


def _due_step(schedule: Schedule, lines: Sequence[tuple[str, str | None]]) -> list[str]:
    """Of the lines that stand for one local time, the one counts whose offset is the zone's now; by hand, always."""
    patterns = "|".join(f'"{fields} {offset}"' for fields, offset in lines)
    return [
        "      - id: due",
        "        env:",
        "          FIRED: ${{ github.event.schedule }}",
        "        run: |",
        f'          case "$FIRED $(TZ={schedule.timezone} date +%z)" in',
        f'            {patterns}|" "*) echo now=true ;;',
        "            *) echo now=false ;;",
        '          esac >> "$GITHUB_OUTPUT"',
    ]


def _about(plan: Installation) -> str:
    return f"dbsync {plan.name}: {plan.schedule.fields} {plan.schedule.timezone}"


def _one_line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ConfigError("a path with a control character cannot be installed", hint="move the config file")
    return text


def _yaml(text: str) -> str:
    """A double-quoted scalar."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _systemd_word(word: str) -> str:
    escaped = _one_line(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w@%+=:,./-]+", escaped) else f'"{escaped}"'
