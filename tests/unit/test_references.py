"""What a user types to name a database: each kind, its faults, and that none shows a secret."""

from __future__ import annotations

import pwd
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from dbsync.config import Settings, find_config, parse_settings
from dbsync.errors import ConfigError
from dbsync.references import resolve
from dbsync.store.place import store_place
from dbsync.urls import DatabaseUrl

CANARY = "s3cr3tCanary"
URL = f"postgresql://app:{CANARY}@db.example:5433/shop?sslmode=require"
NOTHING = Settings()


def settings(text: str) -> Settings:
    return parse_settings(text.encode(), Path("dbsync.yaml"))


def shown(error: ConfigError) -> str:
    return f"{error} {error.to_dict()} {error.__cause__}"


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PGSYSCONFDIR", str(tmp_path / "etc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSERVICEFILE", raising=False)
    (tmp_path / "etc").mkdir()
    return tmp_path


@pytest.mark.parametrize("prefix", ["", "env:", "file:", "cmd:"])
def test_every_way_to_a_url_gives_the_same_database(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_URL", URL)
    (tmp_path / "url").write_text(URL + "\n")
    text = {
        "": URL,
        "env:": "env:SHOP_URL",
        "file:": f"file:{tmp_path}/url",
        "cmd:": f"cmd:{sys.executable} -c \"import os; print(os.environ['SHOP_URL'])\"",
    }[prefix]
    url = resolve(text, NOTHING)
    assert (url.host, url.port, url.dbname, url.user, url.sslmode) == ("db.example", 5433, "shop", "app", "require")
    assert url.password is not None
    assert url.password.reveal() == CANARY
    assert CANARY not in url.name + repr(url)
    assert bool(url.warnings) is (prefix == "")
    if prefix:
        assert url.name.startswith(prefix)


def test_a_program_that_is_asked_for_a_url_does_not_see_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DBSYNC_KEY", "ENCRYPTION_KEY", "MY_TOKEN"):
        monkeypatch.setenv(name, "seen")
    script = "import os; print('postgresql://h/' + '-'.join(sorted(k for k, v in os.environ.items() if v == 'seen')))"
    assert resolve(f'cmd:{sys.executable} -c "{script}"', NOTHING).dbname == "MY_TOKEN"


def test_a_saved_name_is_asked_for_last_and_only_where_it_can_be_one() -> None:
    asked: list[str] = []

    def registered(name: str) -> DatabaseUrl | None:
        asked.append(name)
        return DatabaseUrl(name=name, host="saved") if name == "My shop (old)" else None

    known = settings("version: 1\ndatabases: {mine: {host: file}}\n")
    assert resolve("mine", known, registered).host == "file"
    assert resolve("My shop (old)", known, registered).host == "saved"
    for text in ("env:NOTHING", "postgresql://h/d", "service=x", f"u:{CANARY}@h", "file:/x", "local:", "a=b"):
        with suppress(ConfigError):
            resolve(text, known, registered)
    with pytest.raises(ConfigError, match="no database named 'other'"):
        resolve("other", known, registered)
    assert asked == ["My shop (old)", "other"]


@pytest.mark.parametrize(
    "text",
    [
        f"u:{CANARY}@h/db",
        f"host=h password={CANARY}",
        f"postgresql:/u:{CANARY}@h/db",
        f"postgresql+psycopg://u:{CANARY}@h/db",
        f"service=x password={CANARY}",
        f"env:postgresql://u:{CANARY}@h/db",
        f"env:A{CANARY}=",
        f"file:postgresql://u:{CANARY}@h/db",
        f"file:/u:{CANARY}@h",
        f"local:u:{CANARY}@h",
        f"cmd:PGPASSWORD={CANARY} psql",
        f"cmd:nonexistent-program {CANARY}",
        f"cmd:sh -c 'echo {CANARY} >&2; exit 3'",
        f"cmd:echo {CANARY}",
        f"cmd:echo postgresql://u:{CANARY}%zz@h",
        f"cmd:echo env:{CANARY}",
        f"cmd:'{CANARY}",
        f"cmd:postgresql://u:{CANARY}@h/db",
        f"${{{CANARY}}}",
        "",
        "env:",
        "file:",
        "cmd:",
        "cmd: ",
        "local:",
        "service=",
        "file:/nowhere",
        "file:~nosuchuser/url",
        "file:/",
        "file:/dev/zero",
        "env:UNSET_VARIABLE",
    ],
)
def test_a_fault_is_one_sentence_without_a_secret(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(text, NOTHING)
    assert CANARY not in shown(caught.value)
    assert caught.value.message
    assert "\n" not in caught.value.message


def test_without_a_home_directory_the_places_elsewhere_still_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "PGSERVICEFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGSYSCONFDIR", str(tmp_path))
    (tmp_path / "pg_service.conf").write_text("[shop]\nhost=db.example\nuser=u\n")
    assert resolve("service=shop", NOTHING).host == "db.example"
    assert find_config(tmp_path) is None
    with pytest.raises(ConfigError, match="home directory ~ is not known"):
        store_place(environ={})


def test_what_a_file_or_a_variable_holds_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (CANARY, f"postgresql:/u:{CANARY}@h", f"env:{CANARY}", f"postgresql://u:{CANARY}@h:x/db"):
        (tmp_path / "url").write_text(value)
        monkeypatch.setenv("SHOP_URL", value)
        for text in (f"file:{tmp_path}/url", "env:SHOP_URL"):
            with pytest.raises(ConfigError) as caught:
                resolve(text, NOTHING)
            assert CANARY not in shown(caught.value)


def test_a_service_is_read_from_the_first_file_that_has_it(services: Path) -> None:
    (services / ".pg_service.conf").write_text(
        "# mine\n[shop]\nhost=own.example\ndbname=shop\nport = 5433\n\n[empty]\n"
    )
    (services / "etc" / "pg_service.conf").write_text(f"[shop]\nhost=system\n[other]\nhost=o\npassword={CANARY}\n")
    shop = resolve("service=shop", NOTHING)
    assert (shop.name, shop.host, shop.port, shop.dbname) == ("service=shop", "own.example", 5433, "shop")
    assert resolve("service=other", NOTHING).parameters() == {"host": "o", "password": CANARY}
    assert resolve("service=empty", NOTHING).parameters() == {}
    with pytest.raises(ConfigError) as caught:
        resolve("service=shopp", NOTHING)
    assert caught.value.hint == "did you mean shop?"


@pytest.mark.parametrize("line", ["options=-c x=CANARY", "hostaddr=CANARY", "host=h,CANARY", "port=CANARY", "CANARY"])
def test_a_service_file_obeys_the_allow_list(services: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    file = services / "other.conf"
    file.write_text("[shop]\nuser=u\n" + line.replace("CANARY", CANARY) + "\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    with pytest.raises(ConfigError) as caught:
        resolve("service=shop", NOTHING)
    assert CANARY not in shown(caught.value)
    key = line.partition("=")[0]
    assert key in caught.value.message or key == "CANARY"


CONFIG = """\
databases:
  prod: {url: "postgresql://app:${PROD_PASSWORD}@prod.example/shop", environment: production, sslmode: verify-ca}
  staging: {host: staging.example, dbname: shop, user: app, protected: true}
  replica: {url: "env:REPLICA_URL", read_only: true}
  broken: {url: "env:UNSET_VARIABLE", protected: true}
  plain: {host: plain.example}
"""


def test_a_name_from_the_config_file_has_its_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_PASSWORD", CANARY)
    prod = resolve("prod", settings(CONFIG))
    assert (prod.name, prod.host, prod.sslmode, prod.environment) == ("prod", "prod.example", "verify-ca", "production")
    assert prod.password is not None
    assert prod.password.reveal() == CANARY
    assert (prod.needs_confirmation, prod.confirmation, prod.warnings) == (True, "prod", ())
    plain = resolve("plain", settings(CONFIG))
    assert not plain.needs_confirmation
    assert not plain.read_only


def test_a_fault_in_an_entry_is_named_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"line 2: databases.prod: the environment variable PROD_PASSWORD is not set"):
        resolve("prod", settings(CONFIG))
    with pytest.raises(ConfigError, match=r"line 5: databases.broken: .* UNSET_VARIABLE"):
        resolve("broken", settings(CONFIG))


@pytest.mark.parametrize(
    ("text", "guarded_as"),
    [
        ("postgresql://other@PROD.example:5432/shop", "prod"),
        ("postgresql://staging.example./shop?user=x", "staging"),
        ("env:REPLICA_URL", "replica"),
        ("postgresql://replica.example/shop", "replica"),
        ("postgresql://prod.example/other", None),
        ("postgresql://prod.example:5433/shop", None),
        ("postgresql://plain.example/", None),
    ],
)
def test_a_url_to_a_guarded_place_is_guarded(
    text: str, guarded_as: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROD_PASSWORD", CANARY)
    monkeypatch.setenv("REPLICA_URL", "postgresql://replica.example/shop")
    url: DatabaseUrl = resolve(text, settings(CONFIG))
    assert url.configured_as == guarded_as
    assert (url.needs_confirmation or url.read_only) is (guarded_as is not None)
    assert url.read_only is (guarded_as == "replica")


def test_a_command_is_known_by_its_text_and_not_run_to_be_compared(tmp_path: Path) -> None:
    """Its entry guards what the same text gives, with the entry's own parameters on top."""
    ran, file = tmp_path / "ran", tmp_path / "url"
    file.write_text(URL)
    config = settings(
        f"""
version: 1
databases:
  prod: {{url: "cmd:cat {file}", read_only: true}}
  part: {{url: "cmd:cat {file}", dbname: other, protected: true}}
  never: {{url: "cmd:touch {ran}", read_only: true}}
"""
    )
    same = resolve(f"cmd:cat {file}", config)
    assert (same.read_only, same.protected, same.configured_as) == (True, False, "prod")
    assert not resolve(f"cmd:cat  {file}", config).read_only
    assert not resolve(URL, config).read_only
    assert not ran.exists()


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("stagin", settings(CONFIG))
    assert caught.value.hint == "did you mean staging?"
    with pytest.raises(ConfigError) as caught:
        resolve("nothing", settings(CONFIG))
    assert "prod" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="no database named 'prod'"):
        resolve("prod", NOTHING)
