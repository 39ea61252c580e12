"""Schedules: firings through changes of the clock, what is due, and the words of other schedulers."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dbsync.errors import ConfigError
from dbsync.quantities import duration_text, parse_duration
from dbsync.schedule import Schedule, due, fires_at, jitter, next_firings
from dbsync.schedule.calendar import crontab_fields, on_calendar, utc_fields
from dbsync.schedule.install import Installation, crontab, github, systemd

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NIGHTLY = Schedule(cron="15 2 * * *", timezone="Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def utc(firings: list[datetime]) -> list[str]:
    return [firing.astimezone(UTC).strftime("%m-%d %H:%M") for firing in firings]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("15 2 * * *", "Europe/Berlin", "2026-03-27 12:00", ["03-28 01:15", "03-29 01:00", "03-30 00:15"]),  # the hour is skipped
        ("15 2 * * *", "Europe/Berlin", "2026-10-24 12:00", ["10-25 00:15", "10-26 01:15"]),  # the hour comes twice: once
        ("30 2 * * *", "America/New_York", "2026-03-08 00:00", ["03-08 07:00", "03-09 06:30"]),
        ("0 * * * *", "Europe/Berlin", "2026-03-29 00:30", ["03-29 01:00", "03-29 02:00"]),  # by elapsed time
        ("0 * * * *", "Europe/Berlin", "2026-10-24 23:30", ["10-25 00:00", "10-25 01:00", "10-25 02:00"]),
        ("*/30 * * * *", "Australia/Lord_Howe", "2026-04-04 14:45", ["04-04 15:00", "04-04 15:30"]),  # half an hour back
        ("30 * * * *", "Australia/Lord_Howe", "2026-04-04 14:00", ["04-04 14:30", "04-04 15:00", "04-04 16:00"]),
        ("30 * * * *", "Australia/Lord_Howe", "2026-04-04 14:40", ["04-04 15:00", "04-04 16:00"]),
        ("20 */2 * * *", "Australia/Lord_Howe", "2026-04-04 14:00", ["04-04 15:50", "04-04 17:50"]),
        ("30 * * * *", "Australia/Lord_Howe", "2026-10-03 14:00", ["10-03 15:00", "10-03 15:30", "10-03 16:30"]),  # and forward
        ("0 12 * * *", "Pacific/Apia", "2026-01-01 00:00", ["01-01 23:00"]),
        ("0 0 1,15 * 1", "UTC", "2026-03-01 00:00", ["03-02 00:00", "03-09 00:00", "03-15 00:00"]),  # day or weekday
        ("0 0 */10 * 1", "UTC", "2026-03-01 00:00", ["05-11 00:00"]),  # a star: day and weekday
        ("0 0 29 2 *", "UTC", "2026-03-01 00:00", ["02-29 00:00"]),
        ("@weekly", "UTC", "2026-03-01 12:00", ["03-08 00:00"]),
    ],
)  # fmt: skip
def test_firings_as_debians_cron_has_them(cron, zone, after, expected):
    schedule = Schedule(cron=cron, timezone=zone)
    assert utc(next_firings(schedule, at(after), len(expected))) == expected


CRONS = st.sampled_from(
    ["15 2 * * *", "0,30 1-3 * * *", "0 2,3 * * *", "*/7 * * * *", "59 2 * * 0", "30 */2 * * *", "0 3 * * *"]
)
ZONES = st.sampled_from(["Europe/Berlin", "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
MOMENTS = st.one_of(
    st.datetimes(datetime(2026, 3, 7), datetime(2026, 4, 6)), st.datetimes(datetime(2026, 10, 2), datetime(2026, 11, 3))
).map(lambda moment: moment.replace(tzinfo=UTC))


@given(cron=CRONS, zone=ZONES, start=MOMENTS, steps=st.lists(st.integers(1, 400), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_however_often_one_asks_each_firing_is_due_once(cron, zone, start, steps):
    """Ticks at odd moments around changes of the clock settle the same firings as one look from the start."""
    schedule = Schedule(cron=cron, timezone=zone, grace_s=10**9)
    end = start + timedelta(minutes=sum(steps))
    expected = [f for f in (g.astimezone(UTC) for g in next_firings(schedule, start, 300)) if f <= end]
    last, moment, settled = start, start, 0
    for step in steps:
        moment += timedelta(minutes=step)
        for firing in due({"n": schedule}, {"n": last}, moment):
            assert last < firing.at <= moment
            last, settled = firing.at, settled + 1 + firing.earlier
    assert settled == len(expected)
    assert last == (expected[-1] if expected else start)


def test_a_firing_in_time_runs_with_its_jitter_which_is_the_same_everywhere():
    schedule = Schedule(cron="0 * * * *", jitter_s=600)
    (firing,) = due({"n": schedule}, {"n": at("2026-03-01 10:00")}, at("2026-03-01 11:03"))
    (again,) = due({"n": schedule}, {"n": at("2026-03-01 10:00")}, at("2026-03-01 11:04"))
    assert (firing.decision, firing.at, firing.earlier) == ("run", at("2026-03-01 11:00"), 0)
    assert again == firing
    assert timedelta() < firing.start_at - firing.at < timedelta(minutes=10)
    drawn = {jitter("n", at("2026-03-01 00:00") + timedelta(hours=hour), 600) for hour in range(50)}
    assert len(drawn) > 45
    assert jitter("n", firing.at, 600) != jitter("m", firing.at, 600)


@pytest.mark.parametrize(("misfire", "decision"), [("skip", "missed"), ("run_once", "run")])
def test_what_is_noticed_too_late_was_missed_and_is_made_up_for_at_most_once(misfire, decision):
    schedule = Schedule(cron="0 * * * *", misfire=misfire, grace_s=300, jitter_s=600)
    now = at("2026-03-03 11:30")
    (firing,) = due({"n": schedule}, {"n": at("2026-03-01 10:00")}, now)
    assert (firing.decision, firing.at, firing.earlier) == (decision, at("2026-03-03 11:00"), 48)
    assert firing.start_at == now
    assert due({"n": schedule}, {"n": firing.at}, now) == []


def test_what_its_jitter_puts_off_beyond_the_grace_still_runs_once_it_is_time():
    """A worker looks when the firing comes, and once more when its jitter is over, with or without a firing before."""
    schedule = Schedule(cron="0 2 * * *", jitter_s=3600, grace_s=60)
    fired = at("2026-03-01 02:00")
    start = fired + jitter("n", fired, 3600)
    assert start - fired > timedelta(minutes=5)
    for last in ({}, {"n": at("2026-02-28 02:00")}):
        for moment in (fired, start - timedelta(seconds=1), start, start + timedelta(seconds=59)):
            (firing,) = due({"n": schedule}, last, moment)
            assert (firing.decision, firing.at, firing.start_at) == ("run", fired, start)
    late = start + timedelta(seconds=61)
    assert due({"n": schedule}, {}, late) == []
    assert due({"n": schedule}, {"n": at("2026-02-28 02:00")}, late)[0].decision == "missed"


def test_a_jitter_that_reaches_the_next_firing_is_refused():
    Schedule(cron="*/5 * * * *", jitter_s=299)
    with pytest.raises(ConfigError, match="between two firings"):
        Schedule(cron="*/5 * * * *", jitter_s=300)
    with pytest.raises(ConfigError, match="between two firings"):
        Schedule(cron="0,1 2 * * *", jitter_s=300)


def test_a_new_schedule_has_missed_nothing():
    assert due({"n": Schedule(cron="0 * * * *", misfire="run_once", grace_s=300)}, {}, at("2026-03-01 11:30")) == []
    assert len(due({"n": Schedule(cron="0 * * * *", grace_s=300)}, {}, at("2026-03-01 11:04"))) == 1


def test_a_long_pause_is_looked_through_quickly_and_several_schedules_come_in_order():
    schedules = {"minutely": Schedule(cron="* * * * *"), "yearly": Schedule(cron="0 0 1 1 *"), "nightly": NIGHTLY}
    last = dict.fromkeys(schedules, at("2020-06-01 00:00"))
    found = due(schedules, last, at("2026-03-01 12:00"))
    assert [(firing.name, firing.decision) for firing in found] == [
        ("yearly", "missed"), ("nightly", "missed"), ("minutely", "run"),
    ]  # fmt: skip
    assert [firing.at for firing in found] == [at("2026-01-01 00:00"), at("2026-03-01 01:15"), at("2026-03-01 12:00")]


def test_fires_at_knows_the_minute_only():
    assert fires_at(NIGHTLY, datetime(2026, 3, 1, 2, 15, 59, tzinfo=BERLIN))
    assert not fires_at(NIGHTLY, datetime(2026, 3, 1, 2, 16, tzinfo=BERLIN))
    assert not fires_at(NIGHTLY, datetime(2026, 3, 1, 2, 15, tzinfo=UTC))
    assert fires_at(NIGHTLY, at("2026-03-29 01:00"))  # moved out of the hour that is skipped
    assert fires_at(NIGHTLY, at("2026-10-25 00:15"))
    assert not fires_at(NIGHTLY, at("2026-10-25 01:15"))  # 02:15 once more


@pytest.mark.parametrize(
    "facts", [{"cron": "* * * *"}, {"cron": "* * * * * *"}, {"cron": "x * * * *"}, {"cron": "0 0 31 4 *"}, {"cron": ""},
              {"cron": "@reboot"}, {"cron": "* * * * *", "timezone": "/etc/passwd"}, {"cron": "* * * * *", "timezone": ""}],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(facts):
    with pytest.raises(ConfigError):
        Schedule(**facts)


@given(st.integers(1, 10**9))
def test_durations_are_written_as_they_are_read(milliseconds):
    assert parse_duration(duration_text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


# cron


def plan(
    schedule: Schedule, *, config: str = "/etc/dbsync/dbsync.yaml", host: str | None = "UTC", variables=()
) -> Installation:
    return Installation(
        name="nightly", schedule=schedule, program=("/opt/dbsync/bin/dbsync",), config=config, variables=variables,
        now=NOW, host_zone=ZoneInfo(host) if host else None,
    )  # fmt: skip


def read_crontab(text: str) -> tuple[list[str], list[str], str]:
    """A crontab's only entry, read by the rules of cron(5): fields, the command's words, what goes to its stdin."""
    (line,) = [line for line in text.splitlines() if line and not line.startswith("#")]
    *fields, command = line.split(maxsplit=5)
    before, stdin, escaped = "", None, False
    for character in command:
        if stdin is not None:
            stdin += character
        elif character == "%" and not escaped:
            stdin = ""
        else:
            before = before[:-1] + "%" if character == "%" else before + character
        escaped = character == "\\" and not escaped
    return fields, shlex.split(before), stdin or ""


def test_a_crontab_line_in_the_hosts_zone_has_the_schedules_own_fields():
    fields, words, stdin = read_crontab(crontab(plan(NIGHTLY, host="Europe/Berlin")).text)
    assert (fields, stdin) == (["15", "2", "*", "*", "*"], "")
    assert words == [
        "/opt/dbsync/bin/dbsync", "-q", "-c", "/etc/dbsync/dbsync.yaml", "schedule", "run", "nightly", "--yes",
    ]  # fmt: skip


def test_a_percent_sign_does_not_end_the_command():
    config = "/srv/100%/o'd d/dbsync.yaml"
    _, words, stdin = read_crontab(crontab(plan(NIGHTLY, config=config, host="Europe/Berlin")).text)
    assert (words[3], stdin) == (config, "")
    with pytest.raises(ConfigError):
        crontab(plan(NIGHTLY, config="/a\nb"))


@pytest.mark.parametrize("host", ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", None])
@pytest.mark.parametrize("cron", ["15 2 * * *", "0 9-17/2 * * 1-5", "50 23 L * *", "*/20 3 1 * *"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
def test_in_any_other_zone_cron_asks_at_every_firing_and_dbsync_decides(cron, zone, host):
    schedule = Schedule(cron=cron, timezone=zone)
    fields, exact = crontab_fields(schedule, ZoneInfo(host) if host else None, NOW)
    assert not exact
    asked = Schedule(cron=fields, timezone=host or "Asia/Kathmandu")
    for firing in next_firings(schedule, NOW, 400):
        assert fires_at(asked, firing), firing
    words = crontab(plan(schedule, host=host)).text
    assert "--if-due" in words


def test_names_and_steps_are_spelt_so_that_any_cron_reads_them():
    schedule = Schedule(cron="5/20 1 * jan-mar mon", timezone="UTC")
    assert crontab_fields(schedule, ZoneInfo("UTC"), NOW) == ("5,25,45 1 * 1,2,3 1", True)


# systemd


@pytest.mark.parametrize(
    ("cron", "expressions"),
    [
        ("15 2 * * *", ["*-*-* 02:15:00 Europe/Berlin"]),
        ("0,30 9-11 * * 1-5", ["Mon,Tue,Wed,Thu,Fri *-*-* 09,10,11:00,30:00 Europe/Berlin"]),
        ("0 0 1 */6 *", ["*-01,07-01 00:00:00 Europe/Berlin"]),
        ("0 0 1 * 7", ["*-*-01 00:00:00 Europe/Berlin", "Sun *-*-* 00:00:00 Europe/Berlin"]),
    ],
)
def test_systemd_calendar_expressions(cron, expressions):
    assert on_calendar(Schedule(cron=cron, timezone="Europe/Berlin")) == expressions


def _systemd_analyze(*args: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("NOT TESTED: there is no systemd-analyze")
    done = subprocess.run(
        [program, *args],
        capture_output=True,
        text=True,
        check=False,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "", done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "cron", ["15 2 * * *", "0,30 9-11 * * 1-5", "*/20 * 1,15 * *", "30 4 * 1-6/2 0", "0 12 13 * 5"]
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Asia/Kathmandu"])
def test_systemd_fires_when_the_schedule_does(cron, zone):
    schedule = Schedule(cron=cron, timezone=zone)
    found = set()
    for expression in on_calendar(schedule):
        shown = _systemd_analyze("calendar", "--base-time=2026-06-01 00:00:00 UTC", "--iterations=12", expression)
        found |= {
            line.split()[-3] + " " + line.split()[-2]
            for line in shown.splitlines()
            if line.endswith(" UTC") and ("Next elapse" in line or "Iter." in line)
        }
    expected = [
        f.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") for f in next_firings(schedule, at("2026-06-01 00:00"), 6)
    ]
    assert sorted(found)[:6] == expected


@pytest.mark.parametrize("config", ["/etc/dbsync/dbsync.yaml", '/srv/100% "$HOME"/o\'d\\d.yaml'])
def test_systemd_accepts_the_units(tmp_path: Path, config):
    schedule = Schedule(cron="0 3 1 * 1", timezone="Europe/Berlin", jitter_s=90, misfire="run_once", overlap="queue")
    program = shutil.which("true") or "/bin/true"
    made = systemd(
        Installation(
            name="nightly",
            schedule=schedule,
            program=(program,),
            config=config,
            variables=("PROD_URL",),
            now=NOW,
            host_zone=None,
        )
    )
    for file in made:
        (tmp_path / Path(file.path).name).write_text(file.text)
    service, timer = (file.text for file in made)
    assert "Persistent=true\n" in timer
    assert "RandomizedDelaySec=90s\n" in timer
    assert timer.count("OnCalendar=") == 2
    assert "PROD_URL=..." in service
    _systemd_analyze(
        "verify", "--man=no", "--recursive-errors=no", *(str(tmp_path / Path(file.path).name) for file in made)
    )


# GitHub


def test_a_workflow_in_utc_has_one_line_and_no_condition():
    workflow = yaml.safe_load(github(plan(Schedule(cron="15 2 * * 1"), variables=("PROD_URL",))).text)
    assert workflow[True]["schedule"] == [{"cron": "15 2 * * 1"}]
    steps = workflow["jobs"]["sync"]["steps"]
    assert all("if" not in step for step in steps)
    assert steps[-1]["env"] == {"PROD_URL": "${{ secrets.PROD_URL }}"}
    assert shlex.split(steps[-1]["run"])[0] == "dbsync"


@pytest.mark.parametrize(("moment", "runs"), [("2026-07-01", "15 0 * * *"), ("2026-12-01", "15 1 * * *")])
def test_of_a_workflows_lines_the_one_runs_that_holds_today(moment, runs, tmp_path: Path):
    """The step's own script, run by sh with a date that says the offset of that day."""
    workflow = yaml.safe_load(github(plan(NIGHTLY)).text)
    lines = [entry["cron"] for entry in workflow[True]["schedule"]]
    assert sorted(lines) == ["15 0 * * *", "15 1 * * *"]
    (script,) = [step["run"] for step in workflow["jobs"]["sync"]["steps"] if step.get("id") == "due"]
    said: dict[str, str] = {}
    for fired in (*lines, ""):
        output = tmp_path / f"output{len(said)}"
        script_then = script.replace("date +%z", f"date -d '{moment} 12:00 UTC' +%z")
        subprocess.run(
            ["sh", "-ec", script_then],
            env={"FIRED": fired, "GITHUB_OUTPUT": str(output), "PATH": "/usr/bin:/bin"},
            check=True,
        )
        said[fired] = output.read_text()
    assert {fired for fired, text in said.items() if text == "now=true\n"} == {runs, ""}


@pytest.mark.parametrize(
    ("cron", "zone", "lines"),
    [
        ("15 2 * * *", "Asia/Kolkata", [("45 20 * * *", None)]),
        ("0,45 5 * * *", "Asia/Kolkata", [("30 23 * * *", None), ("15 0 * * *", None)]),
        ("30 12 * * 1-5", "America/New_York", [("30 17 * * 1,2,3,4,5", "-0500"), ("30 16 * * 1,2,3,4,5", "-0400")]),
        ("*/15 * * * *", "Europe/Berlin", [("*/15 * * * *", None)]),
    ],
)  # fmt: skip
def test_lines_in_utc(cron, zone, lines):
    found = utc_fields(Schedule(cron=cron, timezone=zone), NOW)
    assert [(sorted(Schedule(cron=line).fields.split()), offset) for line, offset in found] == [
        (sorted((line if "/" not in line else "0,15,30,45 * * * *").split()), offset) for line, offset in lines
    ]


@pytest.mark.parametrize("cron", ["30 0 * * 1", "30 0 1 * *", "0 * * * 1", "0 3 L * *"])
def test_what_github_cannot_say_is_refused(cron):
    with pytest.raises(ConfigError):
        github(plan(Schedule(cron=cron, timezone="Europe/Berlin")))
