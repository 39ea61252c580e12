"""``dbsync schedule`` and ``dbsync config``: what they show, and that a scheduled run is the sync's own."""

from __future__ import annotations

import json
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.fixtures import jsonschema
from tests.fixtures.command import Command, Result
from tests.fixtures.locks import held_by_another_run

CANARY = "s3cr3tCanary"
CONFIG = """
version: 1
databases:
  prod: {{url: "{source}"}}
  staging: {{url: "{target}"}}
syncs:
  nightly:
    source: prod
    target: staging
    delete: true
    timeout: 1h
    on_locked: fail
    schedule: {{cron: "15 2 * * *", timezone: Europe/Berlin, overlap: skip, timeout: {timeout}}}
  always:
    source: prod
    target: staging
    schedule: {{cron: "* * * * *"}}
  by_hand: {{source: prod, target: staging}}
"""


@pytest.fixture
def config(source_db, target_db, tmp_path: Path) -> str:
    for database in (source_db, target_db):
        database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    source_db.execute("INSERT INTO t VALUES (1), (2)")
    target_db.execute("INSERT INTO t VALUES (9)")
    path = tmp_path / "dbsync.yaml"
    path.write_text(CONFIG.format(source=source_db.url, target=target_db.url, timeout="90s"))
    return str(path)


def document(result: Result, code: int = 0) -> Result:
    result.ended(code)
    assert jsonschema.faults(result.document) == [], result
    return result


def test_the_file_says_delete_and_rows_are_deleted(config, target_db, dbsync: Command):
    dbsync.run("-c", config, "sync", "--name", "nightly", "--yes", "--json").ended(0)
    assert target_db.query("SELECT id FROM t ORDER BY 1") == [(1,), (2,)]


def test_a_scheduled_run_is_the_sync_with_the_schedules_limits(config, target_db, dbsync: Command):
    document(dbsync.run("-c", config, "schedule", "run", "nightly", "--json"), 4)  # consent is not in the file
    ran = document(dbsync.run("-c", config, "schedule", "run", "nightly", "--yes", "--json"))
    assert ran.result["state"] == "succeeded"
    assert target_db.query("SELECT id FROM t ORDER BY 1") == [(1,), (2,)]
    with held_by_another_run(target_db.url):
        skipped = document(dbsync.run("-c", config, "schedule", "run", "nightly", "--yes", "--json"))
        assert skipped.result["state"] == "skipped"  # by the schedule's overlap policy; the sync itself says fail
        document(dbsync.run("-c", config, "sync", "--name", "nightly", "--yes", "--json"), 5)


def test_the_schedules_time_limit_ends_a_run(source_db, target_db, config, dbsync: Command):
    Path(config).write_text(CONFIG.format(source=source_db.url, target=target_db.url, timeout="1s"))
    env = {"DBSYNC_FAILPOINT": "before_run=sleep:2"}
    dbsync.run("-c", config, "schedule", "run", "nightly", "--yes", env=env).ended(7)


def test_if_due_runs_in_the_minute_of_the_schedule_only(config, target_db, dbsync: Command):
    document(dbsync.run("-c", config, "schedule", "run", "always", "--if-due", "--jitter", "--yes", "--json"))
    assert len(target_db.query("SELECT id FROM t")) == 3
    hour = (datetime.now(UTC) + timedelta(hours=6)).hour
    Path(config).write_text(Path(config).read_text().replace("* * * * *", f"0 {hour} * * *"))
    target_db.execute("DELETE FROM t")
    ended = document(dbsync.run("-c", config, "schedule", "run", "always", "--if-due", "--yes", "--json"))
    assert ended.result["state"] == "skipped"
    assert target_db.query("SELECT id FROM t") == []
    quiet = dbsync.run("-q", "-c", config, "schedule", "run", "always", "--if-due", "--yes").ended(0)
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_schedules_are_listed_with_their_next_firings(config, dbsync: Command):
    listed = document(dbsync.run("-c", config, "schedule", "list", "--json")).result["schedules"]
    assert [(each["name"], each["cron"], each["timezone"], each["timeout"]) for each in listed] == [
        ("nightly", "15 2 * * *", "Europe/Berlin", "1m30s"), ("always", "* * * * *", "UTC", None),
    ]  # fmt: skip
    shown = document(dbsync.run("-c", config, "schedule", "next", "nightly", "-n", "3", "--json")).result["firings"]
    moments = [datetime.fromisoformat(each["at"]) for each in shown]
    assert [(each.hour, each.minute) for each in moments] == [(2, 15)] * 3
    assert moments[0] == datetime.fromisoformat(listed[0]["next"])
    assert len(document(dbsync.run("-c", config, "schedule", "next", "--json")).result["firings"]) == 10
    assert "Europe/Berlin" in dbsync.run("-c", config, "schedule", "list").ended(0).stdout


@pytest.mark.parametrize("words", [("run", "by_hand"), ("install", "by_hand"), ("next", "by_hand"), ("run", "nope")])
def test_a_sync_without_a_schedule_is_exit_2(words, config, dbsync: Command):
    document(dbsync.run("-c", config, "schedule", *words, "--json"), 2)


def test_without_a_schedule_there_is_nothing_to_list(dbsync: Command):
    assert document(dbsync.run("schedule", "list", "--json"), 2).error["code"] == "NO_SCHEDULE"


@pytest.mark.parametrize(
    ("source", "target", "store", "extra"),
    [
        ("postgresql://h/d", "local:copy", "", "[local]"), ("made", "named", "", "[local]"), ("named", "named", "", ""),
        ("by_variable", "named", "", "[local]"), ("named", "named", 'store: {url: "local:jobs"}', "[local]"),
    ],
)  # fmt: skip
def test_a_workflow_installs_the_embedded_servers_where_the_sync_has_one(
    source, target, store, extra, dbsync: Command, tmp_path: Path
):
    config = tmp_path / "dbsync.yaml"
    databases = 'made: {url: "local:made"}, named: {url: "env:URL"}, by_variable: {url: "${WHERE}"}'
    schedule = '{cron: "15 2 * * *"}'
    config.write_text(
        f"version: 1\ndatabases: {{{databases}}}\n{store}\n"
        f'syncs: {{n: {{source: "{source}", target: "{target}", schedule: {schedule}}}}}\n'
    )
    made = dbsync.run(
        "-c", str(config), "schedule", "install", "n", "--format", "github", env={"WHERE": "local:there"}
    ).ended(0)
    steps = yaml.safe_load(made.stdout)["jobs"]["sync"]["steps"]
    (words,) = [shlex.split(line) for step in steps for line in step.get("run", "").splitlines() if "pip " in line]
    assert words == ["pip", "install", f"$RUNNER_TEMP/dbsync{extra}"]


def test_what_is_installed_runs_and_holds_no_secret(source_db, target_db, config, dbsync: Command, tmp_path: Path):
    """The crontab's line, as cron hands it to sh; the URLs come from the environment or stand in the file."""
    text = Path(config).read_text().replace(f'"{source_db.url}"', "env:PROD_URL").replace("15 2 * * *", "* * * * *")
    Path(config).write_text(text)
    made = document(dbsync.run("-c", config, "schedule", "install", "nightly", "--json")).result["files"]
    assert [file["format"] for file in made] == ["cron", "systemd", "systemd", "github"]
    password = target_db.url.partition("://")[2].partition("@")[0].partition(":")[2]
    whole = json.dumps(made)
    assert target_db.url not in whole
    assert not password or password not in whole
    assert "PROD_URL" in made[0]["text"]
    assert yaml.safe_load(made[3]["text"])["jobs"]["sync"]["steps"][-1]["env"] == {
        "PROD_URL": "${{ secrets.PROD_URL }}"
    }
    (line,) = [line for line in made[0]["text"].splitlines() if not line.startswith("#")]
    env = {"PROD_URL": source_db.url, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["/bin/sh", "-c", line.split(maxsplit=5)[5]], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert target_db.query("SELECT id FROM t ORDER BY 1") == [(1,), (2,)]


def test_installing_for_a_protected_target_warns(config, dbsync: Command):
    Path(config).write_text(Path(config).read_text().replace("  staging: {", "  staging: {protected: true, "))
    assert "every run will be refused" in dbsync.run("-c", config, "schedule", "install", "nightly").ended(0).stderr


# config


def test_init_writes_a_file_that_is_sound_and_overwrites_none(dbsync: Command):
    written = dbsync.home / "dbsync.yaml"
    document(dbsync.run("config", "init", "--json"))
    assert written.stat().st_mode & 0o777 == 0o600
    before = written.read_text()
    assert document(dbsync.run("config", "init", "--json"), 4).error["code"] == "FILE_EXISTS"
    assert written.read_text() == before
    env = {"PROD_URL": "postgresql://r@prod.example/app", "STAGING_URL": "postgresql://w@staging.example/app"}
    document(dbsync.run("config", "check", "--json", env=env))
    dbsync.run("-c", "other.yaml", "config", "init").ended(0)
    assert (dbsync.home / "other.yaml").read_text() == before


def test_show_masks_every_secret(dbsync: Command):
    (dbsync.home / "dbsync.yaml").write_text(
        f"databases:\n  a: {{url: 'postgresql://u:{CANARY}@h/d', password: {CANARY}}}\n"
        f"  b: {{url: 'cmd:vault read {CANARY}'}}\n  c: {{host: h, user: u}}\n  d: {{url: 'postgres//u:{CANARY}@h/d'}}\n"
        f"syncs:\n  n:\n    source: postgresql://u:{CANARY}@h/d\n    target: b\n    on_failure: notify {CANARY}\n"
        f"    heartbeat_url: https://hc.example/{CANARY}\n    where: {{t: id > 1}}\n"
        f"profiles: {{ci: {{heartbeat-url: 'https://hc.example/{CANARY}', jobs: 2}}}}\n"
        f"store: {{url: 'postgresql+psycopg://u:{CANARY}@h/d'}}\n"
    )
    for args in (("show",), ("show", "--json"), ("check",), ("check", "--json")):
        ended = dbsync.run("config", *args)
        assert ended.exit_code in (0, 1), ended
        assert CANARY not in ended.stdout + ended.stderr
    shown = document(dbsync.run("config", "show", "--json")).result
    assert shown["databases"]["a"] == {"url": "postgresql://u:***@h/d", "password": "***"}
    assert shown["databases"]["b"] == {"url": "cmd:vault ***"}
    assert shown["syncs"]["n"]["source"] == "postgresql://u:***@h/d"
    assert (shown["syncs"]["n"]["on_failure"], shown["syncs"]["n"]["heartbeat_url"]) == (
        "notify ***",
        "https://hc.example/***",
    )
    assert yaml.safe_load(dbsync.run("config", "show").stdout)["syncs"]["n"]["where"] == {"t": "id > 1"}


def test_check_names_what_leads_nowhere_and_touches_nothing(dbsync: Command):
    (dbsync.home / "dbsync.yaml").write_text(
        "databases:\n  a: {url: env:NOT_SET}\n  b: {url: local:never}\n  c: {url: 'cmd:touch made'}\n  r: {host: h, read_only: true}\n"
        "syncs:\n  good: {source: a, target: b}\n  lost: {source: a, target: nowhere}\n  back: {source: a, target: r}\n"
        "  odd: {source: a, target: b, max_delete: 5%}\n  slow: {source: a, target: b, timeout: soon}\n"
        "  ping: {source: a, target: b, heartbeat_url: 'ftp://h/x'}\n"
        "profiles: {ci: {no_such: 1}, fine: {jobs: 2}}\nstore: {url: 'env:NO_STORE'}\n"
    )
    found = document(dbsync.run("config", "check", "--json"), 1).result["checks"]
    assert {(each["kind"], each["name"]) for each in found if not each["ok"]} == {
        ("database", "a"), ("sync", "lost"), ("sync", "back"), ("sync", "odd"), ("sync", "slow"), ("sync", "ping"),
        ("profile", "ci"), ("store", "store"),
    }  # fmt: skip
    assert not (dbsync.home / "made").exists()
    assert dbsync.run("local", "list").ended(0).stdout == ""
    assert (
        "FAILED  sync     lost: target: there is no database named 'nowhere'"
        in dbsync.run("config", "check").ended(1).stdout
    )


def test_check_runs_nothing_that_a_variable_names(dbsync: Command):
    env = {"DB": "cmd:touch made", "HOW": "touch", "LOCAL": "local:never", "STORE": "cmd:touch kept"}
    (dbsync.home / "dbsync.yaml").write_text(
        "databases:\n  a: {url: '${DB}'}\n  b: {url: '${LOCAL}'}\n  c: {url: 'cmd:${HOW} made'}\n"
        "  n: {url: 'cmd:${NOT_SET} made'}\n"
        "syncs:\n  s: {source: a, target: b}\n  t: {source: n, target: a}\nstore: {url: 'env:STORE'}\n"
    )
    found = document(dbsync.run("config", "check", "--json", env=env), 1).result["checks"]
    assert {each["name"]: each["ok"] for each in found} == {
        "a": True, "b": True, "c": True, "n": False, "s": True, "t": True, "store": True,
    }  # fmt: skip
    assert "NOT_SET is not set" in {each["name"]: each["detail"] for each in found}["n"]
    assert "touch ***, left alone" in {each["name"]: each["detail"] for each in found}["a"]
    assert not (dbsync.home / "made").exists()
    assert not (dbsync.home / "kept").exists()
    assert dbsync.run("local", "list", env=env).ended(0).stdout == ""


def test_check_looks_saved_connections_up_and_starts_none(dbsync: Command):
    dbsync.run("connections", "add", "kept", "postgresql://app@127.0.0.1:1/shop").ended(0)
    dbsync.run("connections", "add", "mine", "local:never").ended(0)
    dbsync.run("local", "down", "never", "--delete").ended(0)
    dbsync.run("connections", "add", "look", "postgresql://app@127.0.0.1:1/books", "--read-only").ended(0)
    (dbsync.home / "dbsync.yaml").write_text(
        "syncs:\n  good: {source: look, target: kept}\n  here: {source: kept, target: mine}\n"
        "  back: {source: kept, target: look}\n  lost: {source: kept, target: nowhere}\n"
    )
    found = document(dbsync.run("config", "check", "--json"), 1).result["checks"]
    assert {each["name"]: each["ok"] for each in found} == {"good": True, "here": True, "back": False, "lost": False}
    assert dbsync.run("local", "list").ended(0).stdout == ""
    elsewhere = dbsync.run("config", "check", "--json", env={"DBSYNC_STORE": "postgresql://nobody@127.0.0.1:1/store"})
    unseen = {each["name"]: each["detail"] for each in document(elsewhere, 0).result["checks"]}  # it would connect
    assert unseen["lost"] == (
        "kept to nowhere; kept: not looked up, the store is a database; nowhere: not looked up, the store is a database"
    )


def test_check_tells_what_a_run_has_to_confirm_and_whose_guards_it_has_not_asked_for(dbsync: Command):
    url = "postgresql://app@127.0.0.1:1/"
    dbsync.run("connections", "add", "live", f"{url}live", "--environment", "production").ended(0)
    (dbsync.home / "dbsync.yaml").write_text(
        f"databases:\n  shut: {{url: '{url}shut', protected: true}}\n  open: {{url: '{url}open'}}\n"
        f"syncs:\n  by_saved: {{source: open, target: '{url}live'}}\n  by_entry: {{source: open, target: '{url}shut'}}\n"
        "  named: {source: open, target: shut}\n  free: {source: shut, target: open}\n"
    )

    def told(**env: str) -> dict[str, str]:
        checks = document(dbsync.run("config", "check", "--json", env=env)).result["checks"]
        return {each["name"]: each["detail"].partition("; ")[2] for each in checks if each["kind"] == "sync"}

    assert told() == {
        "by_saved": "each run needs --confirm live", "by_entry": "each run needs --confirm shut",
        "named": "each run needs --confirm shut", "free": "",
    }  # fmt: skip
    unseen = "guards of saved connections not looked up, the store is a database"
    assert told(DBSYNC_STORE="postgresql://nobody@127.0.0.1:1/store") == {
        "by_saved": f"{url}live: {unseen}", "by_entry": f"{url}shut: {unseen}; each run needs --confirm shut",
        "named": f"shut: {unseen}; each run needs --confirm shut", "free": f"open: {unseen}",
    }  # fmt: skip


def test_check_tells_what_a_run_has_to_confirm_where_the_target_is_not_resolved(dbsync: Command):
    (dbsync.home / "dbsync.yaml").write_text(
        "databases:\n  open: {host: h, dbname: d}\n  free: {url: 'cmd:touch free'}\n"
        "  run: {url: 'cmd:touch made', environment: production}\n  here: {url: 'local:never', protected: true}\n"
        "  unset: {url: env:NOT_SET, protected: true}\n"
        "syncs:\n"
        + "".join(f"  to_{name}: {{source: open, target: {name}}}\n" for name in ("free", "run", "here", "unset"))
        + "  by_text: {source: open, target: 'cmd:touch made'}\n  from: {source: run, target: open}\n"
    )
    checks = document(dbsync.run("config", "check", "--json"), 1).result["checks"]
    assert {each["name"]: each["detail"].partition("; ")[2] for each in checks if each["kind"] == "sync"} == {
        "to_free": "", "to_run": "each run needs --confirm run", "to_here": "each run needs --confirm here",
        "to_unset": "each run needs --confirm unset", "by_text": "each run needs --confirm run", "from": "",
    }  # fmt: skip
    assert not (dbsync.home / "made").exists()


def test_check_and_sync_agree_on_who_guards_a_target(source_db, target_db, dbsync: Command):
    plain, frozen = source_db.url, target_db.url
    for database in (source_db, target_db):
        database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    env = {"FROZEN": frozen}
    (dbsync.home / "url").write_text(plain)

    def add(name: str, url: str, *options: str) -> str:
        added = dbsync.run("connections", "add", name, url, *options, "--json").ended(0)
        return str(added.result["id"])

    add("twin", frozen)
    guarded = frozen.replace(target_db.name, f"{target_db.name}_not_there")
    add("sealed", guarded, "--read-only")
    source_id, sealed_id = add("plain", plain), add("again", guarded.replace("127.0.0.1", "localhost"), "--read-only")
    targets = {
        "by_file": "twin", "by_place": guarded, "by_variable": "env:FROZEN", "by_entry": "shut", "by_id": sealed_id,
        "by_text": "cmd:cat url", "active": "cmd:touch made", "free": plain,
    }  # fmt: skip
    config = {
        "databases": {
            "frozen": {"url": frozen, "read_only": True},
            "shut": {"url": guarded},
            "told": {"url": "cmd:cat url", "read_only": True},
        },
        "syncs": {name: {"source": source_id, "target": target} for name, target in targets.items()},
    }
    config["syncs"]["nobody"] = {"source": "0" * 8 + source_id[8:], "target": plain}
    (dbsync.home / "dbsync.yaml").write_text(yaml.safe_dump(config))
    checks = document(dbsync.run("config", "check", "--json", env=env), 1).result["checks"]
    found = {each["name"]: each for each in checks if each["kind"] == "sync"}
    assert {name for name, each in found.items() if each["ok"]} == {"free", "active"}
    assert not (dbsync.home / "made").exists()
    for name in ("by_file", "by_place", "by_variable", "by_entry", "by_id", "by_text"):
        ended = dbsync.run("sync", "--name", name, "--yes", "--json", env=env).ended(4)
        assert found[name]["detail"].replace(" ***", "") == f"target: {ended.error['message']}", name
    assert dbsync.run("sync", "--name", "free", "--yes", "--json").ended(4).error["code"] == "SAME_DATABASE"
    assert dbsync.run("sync", "--name", "nobody", "--yes").exit_code == 2
