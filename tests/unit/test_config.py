"""The config file: what it may say, and that each fault is named with its line and without a value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dbsync.config import Settings, find_config, load_settings, parse_settings
from dbsync.errors import ConfigError

CANARY = "s3cr3tCanary"
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
profiles:
  ci: {format: github, progress: none, jobs: 2, log-file: x.log}
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
    assert ci.lines["progress"] == 29


@pytest.mark.parametrize("text", ["", "# nothing\n", "version: 1\n", "databases:\nsyncs: {}\n"])
def test_a_file_may_be_empty(text: str) -> None:
    assert parse(text) == Settings(path=Path("dbsync.yaml"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("databasis: {}\n", 1, "did you mean databases?"),
        ("version: 1\nstore: {url: x}\n", 2, "'store'|is not a known key"),
        ("version: 2\n", 1, "must be 1"),
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
        ("syncs:\n  n: {source: a, target: b, schedule: {cron: x}}\n", 2, "n.schedule: is not a known key"),
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
        ("databases: {a: {url: *nowhere}}\n", 1, "this is not YAML"),
        ("databases: {a: {<<: {url: x}}}\n", 1, "a key is not a text"),
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
