"""``dbsync connections`` as users call it, on both stores; a planted password that must appear nowhere."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pexpect
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dbsync.registry import Labels, open_registry
from dbsync.registry.rotation import rotate
from dbsync.store import StorePlace, store_place, tables
from dbsync.urls import parse_url
from tests.fixtures.command import Command
from tests.fixtures.databases import Database
from tests.fixtures.inprocess import Ended, InProcess
from tests.fixtures.jsonschema import faults

CANARY = "s3cr3t/c@nary"
NOWHERE = f"postgresql://app:{quote(CANARY, safe='')}@127.0.0.1:1/shop"
OLDER_KEY = bytes(range(32))


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorePlace:
    """The store in the state directory, not made yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return store_place()


@pytest.fixture
def postgres(sqlite: StorePlace, target_db: Database, monkeypatch: pytest.MonkeyPatch) -> StorePlace:
    """A store in Postgres that the environment names."""
    monkeypatch.setenv("DBSYNC_STORE", target_db.url)
    return store_place()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> StorePlace:
    """Each kind of store."""
    place: StorePlace = request.getfixturevalue(request.param)
    return place


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> InProcess:
    return InProcess(capsys)


def add(call: InProcess, name: str, url: str, *options: str, monkeypatch: pytest.MonkeyPatch) -> Ended:
    monkeypatch.setenv("THE_URL", url)
    return call("connections", "add", name, "--from", "env:THE_URL", "--json", *options)


def names(call: InProcess) -> list[str]:
    return [known["name"] for known in call("connections", "list", "--json").document["result"]["connections"]]


def test_a_connection_from_its_beginning_to_its_end(store, call, monkeypatch, source_db):
    assert call("connections", "list").stdout == "no connection is saved\n"
    documents = [add(call, "shop", source_db.url, "--environment", "staging", monkeypatch=monkeypatch).document]
    assert documents[0]["result"]["environment"] == "staging"
    assert call("execute", "shop", "SELECT 41 + 1", "--json").exit_code == 0
    documents += [call("connections", *words, "--json").document for words in (
        ("list",), ("show", "shop"), ("test", "shop"), ("test", "--all"), ("edit", "shop", "--rename", "store", "--protected"),
        ("edit", "store", "--environment", "none", "--keep-alive"), ("keep-alive",), ("show", "store"), ("rotate-key",),
    )]  # fmt: skip
    assert [(d["exit_code"], faults(d)) for d in documents] == [(0, [])] * len(documents)
    shown = documents[-2]["result"]
    assert (shown["name"], shown["environment"], shown["protected"], shown["keep_alive"]) == ("store", None, True, True)
    assert [ping["ok"] for ping in shown["pings"]] == [True]
    assert shown["last_pinged_at"] is not None
    assert names(call) == ["store"]
    gone = call("connections", "remove", "store", "--json")
    assert (gone.document["result"]["removed"], faults(gone.document), names(call)) == (True, [], [])
    assert call("connections", "show", "store", "--json").document["error"]["code"] == "NO_SUCH_CONNECTION"


def test_a_saved_name_is_guarded_as_one_of_the_config_file_is(sqlite, call, monkeypatch, source_db):
    add(call, "prod", source_db.url, "--environment", "production", monkeypatch=monkeypatch)
    insert = "CREATE TABLE t ()"
    for target in ("prod", source_db.url):
        refused = call("execute", target, insert, "--write", "--yes", "--json")
        assert (refused.exit_code, refused.document["error"]["code"]) == (4, "PROTECTED_TARGET")
        assert "--confirm prod" in refused.document["error"]["hint"]
    assert call("execute", "prod", insert, "--write", "--confirm", "prod").exit_code == 0
    call("connections", "edit", "prod", "--environment", "none", "--read-only")
    for target in ("prod", source_db.url):
        assert "read_only" in call("execute", target, insert, "--write", "--confirm", "prod").stderr


@pytest.mark.parametrize("guard", ["environment: production", "protected: true", "read_only: true"])
def test_the_files_guards_hold_for_a_saved_connection_to_the_same_place(
    sqlite, call, monkeypatch, source_db, target_db, tmp_path, guard
):
    for database in (source_db, target_db):
        database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    source_db.execute("INSERT INTO t VALUES (1)")
    (tmp_path / "dbsync.yaml").write_text(
        f"version: 1\ndatabases:\n  prod: {{url: '{target_db.url}', {guard}}}\n  staging: {{url: '{source_db.url}'}}\n"
    )
    added = add(call, "shop", target_db.url, monkeypatch=monkeypatch)
    assert "shop leads to the same database as prod, whose guards hold" in added.document["warnings"][0]
    for words in (("sync", "staging", "shop"), ("execute", "shop", "INSERT INTO t VALUES (2)", "--write")):
        refused = call(*words, "--yes", "--json")
        assert (refused.exit_code, refused.document["error"]["code"]) == (4, "PROTECTED_TARGET")
    assert target_db.value("SELECT count(*) FROM t") == 0
    agreed = call("sync", "staging", "shop", "--confirm", "shop")
    assert agreed.exit_code == (4 if "read_only" in guard else 0)
    assert call("execute", "shop", "SELECT 1").exit_code == 0  # it is read as before


def test_the_guards_of_one_saved_connection_hold_for_another_to_the_same_place(
    sqlite, call, monkeypatch, source_db, target_db
):
    add(call, "prod", source_db.url, "--environment", "production", monkeypatch=monkeypatch)
    added = add(call, "shop", source_db.url.replace("127.0.0.1", "127.1"), monkeypatch=monkeypatch)
    assert added.document["warnings"] == ["shop leads to the same database as prod, whose guards hold for it too"]
    written = ("execute", "shop", "CREATE TABLE t ()", "--write")
    assert call(*written, "--yes", "--json").document["error"]["code"] == "PROTECTED_TARGET"
    call("connections", "edit", "prod", "--read-only")
    assert "read_only" in call(*written, "--confirm", "shop").stderr
    monkeypatch.setenv("THE_URL", target_db.url)
    assert call("connections", "edit", "shop", "--from", "env:THE_URL", "--json").document["warnings"] == []
    assert call(*written, "--yes").exit_code == 0


def test_saved_names_are_ends_of_a_sync_also_of_one_in_the_config_file(
    sqlite, call, monkeypatch, source_db, target_db, tmp_path
):
    for database in (source_db, target_db):
        database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    source_db.execute("INSERT INTO t SELECT generate_series(1, 5)")
    add(call, "from here", source_db.url, "--read-only", monkeypatch=monkeypatch)
    add(call, "to-there", target_db.url, "--protected", monkeypatch=monkeypatch)
    assert call("sync", "to-there", "from here", "--yes").exit_code == 4
    assert call("sync", "from here", "to-there", "--yes").exit_code == 4
    done = call("sync", "from here", "to-there", "--confirm", "to-there", "--json")
    assert (done.exit_code, done.document["target"]["name"]) == (0, "to-there")
    (tmp_path / "dbsync.yaml").write_text("version: 1\nsyncs: {again: {source: from here, target: to-there}}\n")
    assert call("sync", "--name", "again", "--confirm", "to-there").exit_code == 0
    assert target_db.value("SELECT count(*) FROM t") == 5


@pytest.mark.parametrize(
    "words",
    [
        ("test", "here", "there"), ("schema", "here"), ("explore", "here"), ("explore", "there", "t"),
        ("execute", "here", "SELECT 1"), ("validate", "here", "there"), ("diff", "here", "there"),
        ("diff", "here", "there", "--what", "data", "--exit-zero"), ("migrate", "status", "there"),
        ("migrate", "history", "there"), ("sync", "here", "there", "--dry-run"), ("doctor", "there"),
    ],
)  # fmt: skip
def test_a_saved_name_works_wherever_a_database_is_named(sqlite, call, monkeypatch, source_db, target_db, words):
    for name, database in (("here", source_db), ("there", target_db)):
        database.execute("CREATE TABLE t (id int PRIMARY KEY)")
        add(call, name, database.url, monkeypatch=monkeypatch)
    ended = call(*words, "--json")
    assert ended.exit_code == 0, ended
    ends = [ended.document[end]["name"] for end in ("source", "target") if ended.document.get(end)]
    assert set(ends) <= {"here", "there"}, ended


def test_a_name_of_the_config_file_wins_and_that_is_said(sqlite, call, monkeypatch, source_db, tmp_path):
    (tmp_path / "dbsync.yaml").write_text(f"version: 1\ndatabases: {{shop: {{url: '{source_db.url}'}}}}\n")
    added = add(call, "shop", NOWHERE, monkeypatch=monkeypatch)
    assert "has a database named shop too" in added.document["warnings"][0]
    written = call("execute", "shop", "CREATE TABLE t ()", "--write", "--yes")
    assert written.exit_code == 0
    assert "the file's is used" in written.stderr


def test_a_password_on_the_command_line_is_warned_of_and_one_that_was_piped_is_not(sqlite, call, dbsync, source_db):
    typed = call("connections", "add", "typed", NOWHERE, "--json")
    assert "seen by every user" in typed.document["warnings"][0]
    piped = Command(dbsync.home, prefix=("sh", "-c", 'printf "%s\\n" "$THE_URL" | "$0" "$@"'))
    added = piped.run("connections", "add", "piped", "-", "--json", env={"THE_URL": NOWHERE}).ended(0)
    assert added.document["warnings"] == []
    assert added.result["url"] == "postgresql://app:***@127.0.0.1:1/shop"


def test_a_url_can_be_typed_unseen(dbsync: Command):
    environ = {"PATH": os.environ["PATH"], "HOME": str(dbsync.home), "TERM": "dumb"}
    child = pexpect.spawn(sys.executable, ["-m", "dbsync", "connections", "add", "shop"], env=environ, encoding="utf-8")
    try:
        child.expect("URL")
        child.sendline(NOWHERE)
        child.expect(pexpect.EOF)
        shown = str(child.before)
        assert "saved shop" in shown
        assert CANARY not in shown
        assert quote(CANARY, safe="") not in shown
    finally:
        child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize(
    "words", [("shop",), ("shop", "{url}", "--from", "env:X"), ("shop", "nowhere"), ("a/b", "{url}")]
)
def test_what_cannot_be_saved_is_exit_2(sqlite, call, words):
    ended = call("connections", "add", *(word.format(url=NOWHERE) for word in words), "--no-input", "--json")
    assert (ended.exit_code, ended.document["error"]["code"]) == (2, "CONFIG")


def test_the_variable_of_the_key_is_no_option_of_another_command(sqlite, call, monkeypatch, source_db):
    source_db.execute("CREATE TABLE t (id int PRIMARY KEY)")
    monkeypatch.setenv("DBSYNC_KEY", "0123456789abcdef" * 4)
    assert call("explore", source_db.url, "t", "--json").exit_code == 0


def test_an_owner_may_have_as_many_connections_as_the_quota_says(sqlite, call, monkeypatch, older_key, tmp_path):
    monkeypatch.setenv("DBSYNC_QUOTA_CONNECTIONS", "2")
    (tmp_path / "rows").write_text(json.dumps(ROWS))
    ended = call("connections", "import", "rows", "--json")
    assert [row["code"] for row in ended.document["result"]["rows"]] == [None, None, "QUOTA"]
    refused = add(call, "one more", NOWHERE, monkeypatch=monkeypatch)
    assert (refused.exit_code, refused.document["error"]["code"]) == (4, "QUOTA")
    call("connections", "remove", "shop")
    assert add(call, "one more", NOWHERE, monkeypatch=monkeypatch).exit_code == 0


def test_keep_alive_asks_again_tells_who_is_silent_and_keeps_a_code_only(sqlite, call, monkeypatch, source_db):
    add(call, "well", source_db.url, "--keep-alive", monkeypatch=monkeypatch)
    add(call, "silent", NOWHERE, "--keep-alive", monkeypatch=monkeypatch)
    add(call, "other", NOWHERE, monkeypatch=monkeypatch)
    parts = urlsplit(source_db.url)
    wrong = f"postgresql://{parts.username}:wrong@{parts.hostname}:{parts.port}/nothing-here"
    add(call, "wrong", wrong, "--keep-alive", monkeypatch=monkeypatch)
    with open_registry(sqlite) as registry, registry.store.write() as work:
        well = registry.get("local", "well").id
        old = {"connection_id": well, "ok": True, "duration_ms": 1}
        work.execute(sa.insert(tables.ping), [old | {"at": 0.0}, old | {"at": registry.store.now(work)}])
    ended = call("connections", "keep-alive", "--tries", "2", "--json")
    assert (ended.exit_code, faults(ended.document)) == (3, [])
    found = {each["name"]: each for each in ended.document["result"]["connections"]}
    assert {name: (each["ok"], each["tries"]) for name, each in found.items()} == {
        "well": (True, 1), "silent": (False, 2), "wrong": (False, 1),
    }  # fmt: skip
    assert "silent" in ended.document["error"]["message"]
    (ping,) = call("connections", "show", "silent", "--json").document["result"]["pings"]
    assert (ping["ok"], ping["error"]) == (False, "CONNECT_TCP")
    assert len(call("connections", "show", "well", "--json").document["result"]["pings"]) == 2
    assert call("connections", "keep-alive", "--tries", "1", "-q").stdout == ""


def test_the_patience_of_keep_alive_is_a_duration(sqlite, call, monkeypatch, source_db):
    add(call, "well", source_db.url, "--keep-alive", monkeypatch=monkeypatch)
    for taken in ("5", "5s", "1500ms", "5m", "1m30s"):
        assert call("connections", "keep-alive", "--ping-timeout", taken).exit_code == 0, taken
    for refused, why in (
        ("soon", "cannot read the duration 'soon'"), ("0", "the duration '0' is zero"),
        ("999ms", "the duration '999ms' is not between 1s and 5m"), ("301", "the duration '301' is not between"),
    ):  # fmt: skip
        ended = call("connections", "keep-alive", "--ping-timeout", refused, "--json")
        assert (ended.exit_code, ended.document["error"]["code"]) == (2, "CONFIG"), refused
        assert why in ended.document["error"]["message"]
        assert ended.document["error"]["hint"] == "write 5s or 2m, at most 5m"


def encrypted(url: str) -> str:
    nonce = os.urandom(16)
    return base64.b64encode(nonce + AESGCM(OLDER_KEY).encrypt(nonce, url.encode(), None)).decode()


def older(number: int, name: str, url: str, **more: object) -> dict[str, object]:
    row: dict[str, object] = {"id": f"{number:08}-0000-4000-8000-000000000000", "user_id": "u1", "name": name}
    return row | {"encrypted_url": encrypted(url), "environment": "production", "keep_alive": True} | more


ROWS = [older(1, "shop", NOWHERE), older(2, "shop", NOWHERE, environment=None), older(3, "a/b", NOWHERE, user_id="u2")]


@pytest.fixture
def older_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", OLDER_KEY.hex())


def as_csv(rows: list[dict[str, object]]) -> str:
    lines = [",".join("" if value is None else str(value) for value in row.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *lines])


@pytest.mark.parametrize(
    "write", [json.dumps, lambda rows: "\n".join(map(json.dumps, rows)), as_csv], ids=["json", "jsonl", "csv"]
)
def test_older_connections_are_taken_over_with_their_ids_once(store, call, older_key, write, tmp_path):
    (tmp_path / "rows").write_text(write(ROWS))
    tried = call("connections", "import", "rows", "--dry-run", "--json").document
    assert ([row["outcome"] for row in tried["result"]["rows"]], names(call)) == (["imported"] * 3, [])
    done = call("connections", "import", "rows", "--json")
    assert (done.exit_code, faults(done.document)) == (0, [])
    assert names(call) == ["a-b", "shop", "shop 2"]
    shown = call("connections", "show", "shop", "--json").document["result"]
    assert (shown["id"], shown["environment"], shown["keep_alive"]) == (ROWS[0]["id"], "production", True)
    again = call("connections", "import", "rows", "--json").document["result"]["rows"]
    assert [row["outcome"] for row in again] == ["unchanged"] * 3
    call("connections", "edit", "shop", "--protected")
    again = call("connections", "import", "rows", "--json").document["result"]["rows"]
    assert [row["outcome"] for row in again] == ["skipped", "unchanged", "unchanged"]


def test_older_connections_are_read_from_a_table_and_may_stay_their_users(sqlite, call, older_key, source_db):
    source_db.execute(
        "CREATE TABLE connections (id uuid, user_id text, name varchar(255), encrypted_url text, environment text,"
        " keep_alive boolean, last_pinged_at timestamptz)"
    )
    for row in ROWS:
        source_db.query("INSERT INTO connections VALUES (%s, %s, %s, %s, %s, %s) RETURNING 1", list(row.values()))
    ended = call("connections", "import", source_db.url, "--table", "public.connections", "--keep-owners", "--json")
    assert ended.exit_code == 0, ended
    assert names(call) == []
    with open_registry(sqlite) as registry:
        assert [(known.owner, known.name) for known in registry.list(None)] == [
            ("u2", "a-b"),
            ("u1", "shop"),
            ("u1", "shop 2"),
        ]
        password = registry.resolve("u1", str(ROWS[0]["id"])).password
        assert password is not None
        assert password.reveal() == CANARY


def test_rows_that_cannot_be_read_are_told_and_the_others_are_taken_over(sqlite, call, older_key, tmp_path):
    bad = older(7, "bad", NOWHERE) | {"encrypted_url": "AAAA"}
    odd = older(8, "odd", NOWHERE + "?options=-c%20x")
    (tmp_path / "rows").write_text(json.dumps([bad, odd, ROWS[0]]))
    ended = call("connections", "import", "rows", "--json")
    assert (ended.exit_code, faults(ended.document)) == (6, [])
    rows = ended.document["result"]["rows"]
    assert [(row["outcome"], row["code"]) for row in rows] == [
        ("failed", "OLDER_URL"), ("failed", "CONFIG"), ("imported", None),
    ]  # fmt: skip
    assert "'options'" in rows[1]["reason"]
    assert names(call) == ["shop"]


def test_an_id_that_another_owner_has_is_not_taken(sqlite, call, older_key, tmp_path):
    (tmp_path / "rows").write_text(json.dumps(ROWS))
    assert call("connections", "import", "rows", "--keep-owners").exit_code == 0
    ended = call("connections", "import", "rows", "--json")
    assert ended.exit_code == 6
    assert {row["reason"] for row in ended.document["result"]["rows"]} == {
        "its id belongs to another owner's connection"
    }
    assert names(call) == []


def test_import_says_what_it_lacks(sqlite, call, tmp_path, monkeypatch):
    (tmp_path / "rows").write_text("id,name\n1,x\n")
    assert call("connections", "import", "rows", "--json").document["error"]["code"] == "NO_OLDER_KEY"
    monkeypatch.setenv("ENCRYPTION_KEY", OLDER_KEY.hex())
    for place, words in (("rows", "no encrypted_url"), ("nothing", "cannot be read"), (NOWHERE, "no table in it")):
        error = call("connections", "import", place, "--json").document["error"]
        assert words in error["message"]
        assert CANARY not in str(error)


def spellings(secret: str) -> set[bytes]:
    plain = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()}
    return {text.encode() for text in plain}


def test_the_password_is_in_no_output_no_file_and_no_table(store, call, monkeypatch, older_key, tmp_path):
    said = []
    log = tmp_path / "log"
    common = ("--log-file", str(log), "-vv")
    monkeypatch.setenv("THE_URL", NOWHERE)
    (tmp_path / "rows").write_text(json.dumps(ROWS))
    (tmp_path / "wrong").write_text(NOWHERE.replace("postgresql", "mysql"))
    for words in (
        ("add", "one", "--from", "env:THE_URL", "--keep-alive"), ("add", "two", NOWHERE), ("add", "one", NOWHERE),
        ("add", "three", "--from", "file:wrong"), ("add", "three", NOWHERE + "?bad=1"), ("add", NOWHERE, "one"),
        ("list",), ("list", "--json"), ("show", "one"), ("show", NOWHERE), ("test", "one", "--json"),
        ("edit", "one", NOWHERE, "--protected"), ("edit", "one", "--rename", NOWHERE), ("import", "rows"),
        ("import", "rows", "--json"), ("keep-alive", "--tries", "1"), ("rotate-key",), ("rotate-key", "--json"),
        ("remove", "two"), ("remove", NOWHERE),
    ):  # fmt: skip
        said.append(call("connections", *words, *common))
    said.append(call("execute", "one", "SELECT 1", *common))
    said.append(call("test", "one", *common, "--json"))
    assert {ended.exit_code for ended in said} == {0, 2, 3}
    for path in (tmp_path / "rows", tmp_path / "wrong"):
        path.unlink()
    everything = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    everything |= {f"{ended.args}": (ended.stdout + ended.stderr).encode() for ended in said}
    with open_registry(store) as registry, registry.store.read() as work:
        for table in tables.metadata.sorted_tables:
            everything[table.name] = repr([tuple(row) for row in work.execute(sa.select(table))]).encode()
        assert b"postgresql" not in everything["connection"]
    for where, content in everything.items():
        assert not [spelling for spelling in spellings(CANARY) if spelling in content], where
        assert OLDER_KEY.hex().encode() not in content, where


_POINTS = [
    "before_key_added", "before_key_file_renamed", "after_key_added", "before_store_commit", "after_key_switched",
    "before_record_resealed@2", "before_store_commit@3", "after_record_resealed", "before_key_retired",
    "before_key_file_renamed@2", "before_key_taken_out", "before_key_file_renamed@3", "after_key_retired",
]  # fmt: skip
_OF_THE_STORE = [
    "before_store_commit", "after_key_switched", "before_record_resealed@2", "before_store_commit@3", "after_record_resealed",
]  # fmt: skip


@pytest.mark.parametrize("point", _POINTS)
def test_a_rotation_killed_at_any_step_leaves_everything_readable_and_is_finished_by_the_next(sqlite, dbsync, point):
    kill_and_finish(sqlite, dbsync, point)


@pytest.mark.parametrize("point", _OF_THE_STORE)
def test_the_same_on_postgres(postgres, dbsync, point):
    kill_and_finish(postgres, dbsync, point)


def kill_and_finish(place: StorePlace, dbsync: Command, point: str) -> None:
    url = parse_url(NOWHERE)
    with open_registry(place) as registry:
        for name in ("one", "two", "three"):
            registry.add("local", name, url, labels=Labels(environment="staging"))
        registry.keep_unnamed("bob", url)
        (old,) = registry.key_ids()
    kept = {name: os.environ[name] for name in ("XDG_STATE_HOME", "DBSYNC_STORE") if name in os.environ}
    killed = dbsync.start("connections", "rotate-key", env=kept | {"DBSYNC_FAILPOINT": f"{point}=kill"})
    assert killed.wait_quietly() == -signal.SIGKILL
    assert opened(place) == 4
    with open_registry(place) as registry:
        registry.add("local", "meanwhile", url)
        done = rotate(registry)
        assert registry.key_ids() == {done.key_id}
        assert done.key_id != old
        assert [key.id for key in registry.ring.all()] == [done.key_id]
    assert opened(place) == 5
    for file in Path(os.environ["XDG_STATE_HOME"]).rglob("*key*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not file.name.endswith(".new")


def opened(place: StorePlace) -> int:
    """How many connections there are, each of which opens."""
    with open_registry(place) as registry:
        with registry.store.read() as work:
            ids = work.execute(sa.select(tables.connection.c.owner, tables.connection.c.id)).all()
        for owner, connection_id in ids:
            password = registry.resolve(owner, connection_id).password
            assert password is not None
            assert password.reveal() == CANARY
        return len(ids)


def test_a_first_key_that_was_killed_while_it_was_made_is_made_by_the_next(sqlite, dbsync):
    for point in ("before_key_created", "before_key_file_renamed", "after_key_created", "before_store_commit"):
        killed = dbsync.start(
            "connections", "add", "x", "--from", "env:THE_URL",
            env={"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"], "THE_URL": NOWHERE, "DBSYNC_FAILPOINT": f"{point}=kill"},
        )  # fmt: skip
        assert killed.wait_quietly() == -signal.SIGKILL, point
    with open_registry(sqlite) as registry:
        registry.add("local", "one", parse_url(NOWHERE))
    assert opened(sqlite) == 1


def test_completion_offers_saved_names(sqlite, dbsync, call, monkeypatch):
    add(call, "shopping", NOWHERE, monkeypatch=monkeypatch)
    env = {"_DBSYNC_COMPLETE": "complete_bash", "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}
    for words in ("dbsync execute sho", "dbsync connections show sho"):
        ended = dbsync.run(env=env | {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)})
        assert ended.stdout.split() == ["shopping"], words
