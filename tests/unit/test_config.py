"""The config file: what it may say, and that each fault is named with its line and without a value."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from dbsync.cli.doctor import doctor
from dbsync.cli.schedule import run_
from dbsync.cli.sync import sync
from dbsync.config import ConfiguredSync, Settings, find_config, load_settings, parse_settings
from dbsync.data.options import DeleteLimit
from dbsync.errors import ConfigError
from dbsync.named_sync import options_of, time_limit_of
from dbsync.quota import Quota
from dbsync.schedule import Schedule

CANARY = "s3cr3tCanary"
DAILY = "15 2 * * *"
WHOLE = b"""\
version: 1
databases:
  prod: {url: "env:PROD_URL", environment: production}
  staging: {service: staging, sslmode: verify-full, protected: true}
  replica:
    host: replica.example
    port: 5433
    dbname: app
    read_only: true
syncs:
  nightly:
    source: prod
    target: staging
    tables: ["public.*"]
    exclude: [public.audit_*]
    where: {public.orders: "id > 5"}
    columns: {public.users: [id, name]}
    map: {public.a: other.b}
    mode: replace
    jobs: 4
    chunk_size: 64MB
    max_rate: 1000000
    verify: none
    triggers: off
    drop_indexes: true
    on_locked: skip
    timeout: 2h
  copy:
    source: prod
    target: replica
    mode: cursor
    cursor: {public.events: id}
    on_drift: fail
    on_row_error: fail
    full_compare: true
    summary_file: s.md
    metrics_file: m.prom
    heartbeat_url: "https://hc.example/s3cr3tCanary"
    on_failure: notify --to dba
    schedule:
      cron: "15 2 * * 1-5"
      timezone: Europe/Berlin
      overlap: queue
      misfire: run_once
      grace: 1h
      jitter: 5m
      timeout: 90m
store: {url: "env:DBSYNC_STORE_URL"}
profiles:
  ci: {format: github, progress: none, jobs: 2, log-file: x.log}
"""


EVERYTHING = """
syncs:
  one:
    source: a
    target: b
    mode: delta
    delete: true
    max_delete: 5%
    tables: ["public.*"]
    exclude: [public.x]
    where: {public.a: id > 1}
    columns: {public.a: [id, "odd,name"]}
    map: {public.a: other.b}
    jobs: 3
    chunk_size: 32MB
    max_rate: 50MB/s
    verify: count
    triggers: keep
    drop_indexes: true
    on_locked: skip
    on_drift: ignore
    on_row_error: quarantine
    full_compare: true
    priority: 7
    timeout: 2h
    on_failure: notify me
    heartbeat_url: https://hc.example/x
    schedule: {cron: "0 1 * * *", overlap: queue, timeout: 90m}
"""


def parse(text: str | bytes) -> Settings:
    return parse_settings(text.encode() if isinstance(text, str) else text, Path("dbsync.yaml"))


def test_a_whole_file_is_read() -> None:
    settings = parse(WHOLE)
    prod, staging, replica = (settings.databases[name] for name in ("prod", "staging", "replica"))
    assert prod.reference is not None
    assert (prod.reference.reveal(), prod.environment, prod.protected) == ("env:PROD_URL", "production", False)
    assert staging.reference is not None
    assert (staging.reference.reveal(), staging.parameters) == ("service=staging", {"sslmode": "verify-full"})
    assert staging.protected
    assert replica.parameters == {"host": "replica.example", "port": "5433", "dbname": "app"}
    assert (replica.read_only, replica.line) == (True, 6)
    nightly = settings.sync("nightly")
    assert (nightly.source, nightly.target, nightly.tables) == ("prod", "staging", ("public.*",))
    assert (nightly.where, nightly.map) == ({"public.orders": "id > 5"}, {"public.a": "other.b"})
    assert nightly.columns == {"public.users": ("id", "name")}
    assert (nightly.mode, nightly.jobs, nightly.verify, nightly.triggers) == ("replace", 4, "none", "off")
    assert (nightly.chunk_size, nightly.max_rate, nightly.timeout) == ("64MB", "1000000", "2h")
    assert (nightly.drop_indexes, nightly.on_locked) == (True, "skip")
    ci = settings.profile("ci")
    assert ci.options == {"format": "github", "progress": "none", "jobs": 2, "log_file": "x.log"}
    assert ci.lines["progress"] == 50
    assert settings.store is not None
    assert settings.store.reveal() == "env:DBSYNC_STORE_URL"


def test_a_project_has_a_name_or_none() -> None:
    assert parse("project: shop-2.eu\n").project == "shop-2.eu"
    assert parse("version: 1\n").project == ""


def test_quotas_are_read_and_the_environment_beats_them() -> None:
    quotas = parse("quotas: {jobs: 3, bytes_per_month: 10GB, owners: {ann: {connections: 0}}}").quotas
    assert quotas.of("bob") == Quota(jobs=3, bytes_per_month=10 * 1024**3)
    assert quotas.of("ann") == Quota(connections=0)
    assert parse("").quotas.of("bob") == Quota()
    over = quotas.overridden(
        {"DBSYNC_QUOTA_JOBS": "1", "DBSYNC_QUOTA_ROWS_PER_MONTH": "5", "DBSYNC_QUOTA_CONNECTIONS": ""}
    )
    assert over.of("bob") == Quota(jobs=1, rows_per_month=5, bytes_per_month=10 * 1024**3)
    assert over.of("ann") == Quota(connections=0)
    for wrong in ("x", "-1", "1.5"):
        with pytest.raises(ConfigError):
            quotas.overridden({"DBSYNC_QUOTA_JOBS": wrong})


def test_a_schedule_is_read() -> None:
    settings = parse(WHOLE)
    assert settings.schedules() == {
        "copy": Schedule(
            cron="15 2 * * 1-5", timezone="Europe/Berlin", overlap="queue", misfire="run_once", grace_s=3600, jitter_s=300,
            timeout_s=5400,
        )
    }  # fmt: skip
    assert CANARY not in repr(settings)


def test_every_option_of_sync_that_a_file_may_set_can_be_set_there(tmp_path: Path) -> None:
    """By introspection: an option that is added to ``sync`` fails this until the config file knows it."""
    keys = {field.name for field in fields(ConfiguredSync)} - {"name", "line", "source", "target", "schedule"}
    own = {max(p.opts, key=len).lstrip("-").replace("-", "_") for p in sync.params if p.param_type_name == "option"}
    of_one_call = {"name", "resume", "restart", "dry_run", "plan", "plan_out", "confirm", "queue", "detach"}
    of_every_command = {
        max(p.opts, key=len).lstrip("-").replace("-", "_") for p in doctor.params if p.param_type_name == "option"
    }
    assert keys == (own - of_one_call - of_every_command) | {"timeout"}


def test_what_a_file_says_is_what_the_command_line_gets(tmp_path: Path) -> None:
    """Option by option: what the file says stands in the options of the command, and in those of a scheduled run."""
    file = tmp_path / "dbsync.yaml"
    file.write_text(EVERYTHING)
    context = sync.make_context("sync", ["-c", str(file), "--name", "one"])
    said = context.params
    job = load_settings(file).sync("one")
    options = options_of(job)
    assert said["delete"] is True
    assert (said["max_delete"], options.max_delete) == (DeleteLimit.parse("5%"), DeleteLimit.parse("5%"))
    assert (said["full_compare"], options.full_compare) == (True, True)
    assert (said["mode"], options.mode, said["jobs"], options.jobs) == ("delta", "delta", 3, 3)
    assert (said["chunk_size"], options.chunk_bytes) == (32 * 1024 * 1024,) * 2
    assert (said["max_rate"], options.max_rate) == (50 * 1024 * 1024,) * 2
    assert (said["tables"], options.tables) == (("public.*",),) * 2
    assert (said["exclude"], options.exclude) == (("public.x",),) * 2
    assert (said["where"], options.where) == (("public.a:id > 1",), {"public.a": "id > 1"})
    assert (said["columns"], options.columns) == (('public.a:"id","odd,name"',), {"public.a": ("id", "odd,name")})
    assert (said["maps"], [str(rule.source) for rule in options.maps]) == (("public.a=other.b",), ["public.a"])
    assert (said["verify"], options.verify, said["triggers"], options.triggers) == ("count", "count", "keep", "keep")
    assert (said["on_locked"], options.on_locked) == ("skip", "skip")
    assert (said["on_drift"], options.on_drift) == ("ignore", "ignore")
    assert (said["on_row_error"], options.on_row_error) == ("quarantine", "quarantine")
    assert (said["drop_indexes"], options.drop_indexes) == (True, True)
    assert said["priority"] == 7
    assert (said["timeout"], time_limit_of(job), time_limit_of(job, scheduled=True)) == (7200.0, 7200.0, 5400.0)
    assert (said["on_failure"], said["heartbeat_url"]) == ("notify me", "https://hc.example/x")
    scheduled = run_.make_context("run", ["-c", str(file), "one"]).params
    assert (scheduled["on_locked"], scheduled["timeout"]) == ("wait", 5400.0)
    differing = {name for name in scheduled if name in context.params and scheduled[name] != context.params[name]}
    assert differing == {"on_locked", "timeout"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "version: 1\n", "databases:\nsyncs: {}\n"])
def test_a_file_may_be_empty(text: str) -> None:
    assert parse(text) == Settings(path=Path("dbsync.yaml"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("databasis: {}\n", 1, "did you mean databases?"),
        ("version: 1\nstore: {path: x}\n", 2, "needs a url"),
        ("version: 1\nstore: {url: x,\n  key: y}\n", 3, "store.key: is not a known key"),
        ("version: 2\n", 1, "must be 1"),
        ("version: 1\nproject: the shop\n", 2, "project: has letters, digits"),
        ("project: [shop]\n", 1, "project: must be a text"),
        ("projekt: shop\n", 1, "did you mean project?"),
        ("databases:\n  a: {ulr: x}\n", 2, "did you mean url?"),
        ("databases:\n  a: {url: x, hostaddr: 1.2.3.4}\n", 2, "a.hostaddr: is not a known key"),
        ("databases:\n  a: {environment: production}\n", 2, "needs a url, a service or a host"),
        ("databases:\n  a: {url: x, service: y}\n", 2, "both url and service"),
        ("databases:\n  a: {url: x,\n      environment: prod}\n", 3, "must be one of production, staging"),
        ("databases:\n  a: {url: x, protected: 1}\n", 2, "must be true or false"),
        ("databases:\n  a: {url: x}\n  a: {url: y}\n", 3, "'a' stands here twice"),
        ("databases:\n  a b: {url: x}\n", 2, "letters, digits"),
        ("databases:\n  a:\n", 2, "is empty"),
        ("databases: [a]\n", 1, "must be a mapping"),
        ("syncs:\n  n: {target: b}\n", 2, "needs a source"),
        ("syncs:\n  n: {source: a, target: b,\n    deletes: true}\n", 3, "n.deletes: is not a known key"),
        ("syncs:\n  n: {source: a, target: b, mask: m.yaml}\n", 2, "n.mask: is not a known key"),
        ("syncs:\n  n: {source: a, target: b, schedule: {cron: x}}\n", 2, "has not five fields"),
        ("syncs:\n  n: {source: a, target: b, schedule: {cron: 61 * * * *}}\n", 2, "is not cron: bad minute"),
        ("syncs:\n  n: {source: a, target: b, schedule: {cron: 0 0 30 2 *}}\n", 2, "bad day-of-month|never comes"),
        ("syncs:\n  n: {source: a, target: b, schedule: {timezone: UTC}}\n", 2, "needs a cron"),
        (
            f"syncs:\n  n:\n    source: a\n    target: b\n    schedule: {{cron: {DAILY},\n      timzone: UTC}}\n",
            6,
            "mean timezone?",
        ),
        (
            f"syncs:\n  n: {{source: a, target: b, schedule: {{cron: {DAILY}, timezone: Europe/Berlln}}}}\n",
            2,
            "mean Europe/Berlin?",
        ),
        (
            f"syncs:\n  n: {{source: a, target: b, schedule: {{cron: {DAILY}, timezone: ../../etc}}}}\n",
            2,
            "no time zone",
        ),
        (
            f"syncs:\n  n: {{source: a, target: b, schedule: {{cron: {DAILY}, overlap: allow}}}}\n",
            2,
            "one of skip, queue, fail",
        ),
        (
            f"syncs:\n  n: {{source: a, target: b, schedule: {{cron: {DAILY}, misfire: all}}}}\n",
            2,
            "one of skip, run_once",
        ),
        (
            f"syncs:\n  n: {{source: a, target: b, schedule: {{cron: {DAILY}, jitter: 2d}}}}\n",
            2,
            "schedule.jitter: the jitter is longer",
        ),
        (
            f"syncs:\n  n: {{source: a, target: b, schedule: {{cron: {DAILY}, jitter: soon}}}}\n",
            2,
            "schedule.jitter: cannot read",
        ),
        (f"syncs:\n  n: {{source: a, target: b, schedule: {{cron: {DAILY}, seconds: 5}}}}\n", 2, "is not a known key"),
        ("quotas: {jobs: many}\n", 1, "quotas.jobs: the quota jobs is no number"),
        ("quotas:\n  owners:\n    ann: {jobz: 1}\n", 3, "ann.jobz: is not a known key"),
        ("quotas:\n  jobs: 3\n  conections: 3\n", 3, "mean connections?"),
        ("syncs:\n  a b: {source: a, target: b}\n", 2, "the name of a sync"),
        ("syncs:\n  n: {source: a, target: b, mode: fill}\n", 2, "must be one of delta, replace"),
        ("syncs:\n  n: {source: a, target: b, tables: public.*}\n", 2, "must be a list"),
        ("syncs:\n  n: {source: a, target: b, tables: [2020-01-01]}\n", 2, "must be a text; quote it"),
        ("syncs:\n  n: {source: a, target: b, jobs: true}\n", 2, "must be a whole number"),
        ("syncs:\n  n: {source: a, target: b, jobs: 1.5}\n", 2, "must be a whole number"),
        ("syncs:\n  n: {source: a, target: b, where: {t: [x]}}\n", 2, "must be a text"),
        ("profiles:\n  ci: {confirm: prod}\n", 2, "is consent"),
        ("profiles:\n  ci: {allow-hazard: x}\n", 2, "is consent"),
        ("profiles:\n  ci: {format: {a: b}}\n", 2, "must be a text, a number"),
        ("1: x\n", 1, "a key is not a text"),
        ("databases: !!python/object/apply:os.system [ls]\n", 1, "must be a mapping"),
        ("databases:\n  a: {url: !!python/name:os.system x}\n", 2, "must be a text"),
        ("a: [\n", 2, "this is not YAML"),
        ("- a\n", None, "must be a mapping"),
        ("a: b: c\n", 1, "this is not YAML"),
        ("databases:\n  a: {url: x, protected: !!bool maybe}\n", 2, "must be true or false"),
        ("databases:\n  a: {url: !!timestamp foo}\n", 2, "must be a text"),
        ("databases:\n  a: {url: !!float ''}\n", 2, "must be a text"),
        ("version: !!int ''\n", 1, "must be a whole number"),
        ("databases: {a: {url: *nowhere}}\n", 1, "this is not YAML"),
        ("databases: {a: {<<: {url: x}}}\n", 1, "a key is not a text"),
        ('databases:\n  a: {url: "file:/tmp/\\ud800"}\n', 2, "half of a character"),
        ('databases:\n  a: {url: x, password: "\\ud83d\\ude00"}\n', 2, "half of a character"),
        ('version: 1\n"\\udfff": x\n', 2, "half of a character"),
        ('version: "\\U00110000"\n', None, "names no character"),
        ('version: "\\Uffffffff"\n', None, "names no character"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    shown = f"{caught.value.message} {caught.value.hint}"
    assert any(part in shown for part in words.split("|")), shown
    assert line is None or f"line {line}:" in shown
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "databases: {{a: {{url: *{0}}}}}\n",
        "databases: {{a: {{url: x, protected: {0}}}}}\n",
        "databases: {{a: {{url: [{0}]}}}}\n",
        "databases: {{a: {{url: x, environment: {0}}}}}\n",
        "databases: {{a: {{password: %{0}}}}}\n",
        "databases: {{a: {{password: '{0}}}}}\n",
        "databases: {{a: {{password: @{0}}}}}\n",
        "databases: {{a: {{password: {0}: x}}}}\n",
    ],
)
def test_no_fault_shows_a_value(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.format(CANARY))
    assert CANARY not in str(caught.value.to_dict())
    assert caught.value.__cause__ is None


def test_a_database_shows_no_secret() -> None:
    settings = parse(f"databases: {{a: {{url: 'postgresql://u:{CANARY}@h/d', password: {CANARY}}}}}")
    assert CANARY not in repr(settings)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\nb: [" + "*a," * 300 + "]\n",
        "a: " + "[" * 20 + "]" * 20 + "\n",
        "a: " + "[" * 5000 + "\n",
        "x: [" + "a," * 20_000 + "]\n",
        "# " + "x" * 1024 * 1024 + "\n",
    ],
)
def test_a_bomb_is_refused_unexploded(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text)


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"a: \xff\n", b"a: \x00\n", b"\xff\xfea\x00"):
        with pytest.raises(ConfigError):
            parse(data)


def test_the_nearest_file_is_found_and_the_users_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "etc"))
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_config(inner) is None
    assert load_settings(start=inner) == Settings()
    for folder in (tmp_path / "etc" / "dbsync", tmp_path, tmp_path / "a"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dbsync.yaml").write_text("version: 1\n")
        found = find_config(inner)
        assert found is not None
        assert found.parent == folder


def test_a_file_that_another_user_could_write_is_not_picked_up(tmp_path: Path) -> None:
    file = tmp_path / "dbsync.yaml"
    file.write_text("version: 1\n")
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="another user"):
        load_settings(start=tmp_path)
    assert load_settings(file).path == file
    file.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
        with pytest.raises(ConfigError, match="another user"):
            load_settings(start=tmp_path)


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path)


def test_an_unknown_job_gets_the_nearest_names() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(WHOLE).sync("nightli")
    assert caught.value.hint == "did you mean nightly?"
    with pytest.raises(ConfigError, match="no dbsync.yaml was found|no profile named"):
        Settings().profile("ci")
