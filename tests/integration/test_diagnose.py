"""``diagnose``: every phase leaves a line, a failure has a fix, and all that is missing is listed at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from dbsync.local import EphemeralServer
from dbsync.local.server import running_port
from dbsync.pg import pooler
from dbsync.pg.checks import Check
from dbsync.pg.diagnose import Diagnosis, diagnose
from dbsync.urls import DatabaseUrl, Secret, parse_url
from tests.fixtures.copies import physical_copy
from tests.fixtures.databases import Database as Fresh
from tests.fixtures.poolers import pgbouncer

CANARY = "s3cr3tCanary"
SCHEMA = """
CREATE SCHEMA app;
CREATE TABLE app.a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE app.b (id serial PRIMARY KEY);
CREATE TABLE public.c (id int);
CREATE MATERIALIZED VIEW app.m AS SELECT 1 AS one;
"""


def failures(found: Diagnosis) -> dict[str, Check]:
    return {check.name: check for check in found.checks if not check.ok}


def names(found: Diagnosis) -> list[str]:
    return [check.name for check in found.checks]


@pytest.fixture
def role(source_db: Fresh) -> Iterator[str]:
    """A role that may do nothing but connect; its database has four tables and two sequences."""
    name = f"r_{source_db.name}"
    source_db.execute(SCHEMA, f"CREATE ROLE {name} LOGIN PASSWORD '{CANARY}'")
    yield name
    source_db.execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def as_role(database: Fresh, role: str) -> DatabaseUrl:
    return replace(parse_url(database.url), user=role, password=Secret(CANARY))


def test_a_healthy_database_passes_every_phase(source_db: Fresh) -> None:
    source_db.execute(SCHEMA)
    found = diagnose(parse_url(source_db.url), purpose="migrate", speed=True)
    assert (found.ok, found.exit_code, failures(found)) == (True, 0, {})
    assert names(found) == [
        "resolve", "tcp", "tls", "auth", "database", "pooler", "version", "role", "schemas", "select", "row security",
        "sequences", "ownership", "create", "latency", "clock", "speed", "session",
    ]  # fmt: skip
    entry = json.loads(json.dumps(found.to_dict()))
    assert entry["server_version"].startswith(f"{source_db.server.major}.")
    assert (entry["in_recovery"], entry["pooler"], entry["tls"], entry["table_count"]) == (False, None, None, 3)
    assert 0 < entry["latency_ms"] < 1000
    assert entry["speed_mb_s"] > 1


def test_a_socket_needs_neither_a_name_nor_tls(source_db: Fresh) -> None:
    assert source_db.server.socket_dir is not None
    found = diagnose(replace(parse_url(source_db.url), host=str(source_db.server.socket_dir)))
    assert found.ok
    assert "tcp" not in names(found)


def test_the_certificate_is_described(pg_tls: EphemeralServer) -> None:
    url = replace(parse_url(pg_tls.url()), host="localhost", sslmode="verify-full", sslrootcert=str(pg_tls.ca_file))
    found = diagnose(url)
    assert found.ok
    assert found.tls is not None
    assert found.tls.version.startswith("TLSv1.")
    assert found.tls.subject == "localhost"
    assert set(found.tls.names) == {"localhost", "127.0.0.1"}
    assert not found.tls.self_signed
    assert -1 <= found.tls.days_left <= 1
    (line,) = (check for check in found.checks if check.name == "tls")
    assert "signer and name checked" in line.detail
    assert line.hint == "renew the certificate"
    distrusted = diagnose(replace(url, sslrootcert=None))
    assert list(failures(distrusted)) == ["tls"]
    assert distrusted.tls is not None  # the facts help to see why
    plain = diagnose(replace(url, sslmode="disable", sslrootcert=None))
    assert (plain.ok, plain.tls) == (True, None)


@pytest.mark.parametrize("error", [ValueError("error parsing asn1 value"), x509.InvalidVersion("5", 5)])
def test_tls_whose_certificate_cannot_be_looked_at_is_not_called_none(
    pg_tls: EphemeralServer, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr("dbsync.pg.diagnose.tls_facts", fail)
    url = replace(parse_url(pg_tls.url()), host="localhost", sslmode="verify-full", sslrootcert=str(pg_tls.ca_file))
    for tried in (url, replace(url, password=Secret(CANARY))):
        found = diagnose(tried)
        assert (found.ok, found.tls) == (tried is url, None)
        (line,) = (check for check in found.checks if check.name == "tls")
        assert line.detail.startswith("in use, version and certificate could not be looked at, signer and name checked")
        assert line.hint is None
    (line,) = (check for check in diagnose(replace(url, sslmode="disable")).checks if check.name == "tls")
    assert line.detail.startswith("none (sslmode=disable)")


def test_each_failure_stops_at_its_phase_with_a_fix(source_db: Fresh) -> None:
    url = parse_url(source_db.url)
    before = {"resolve": 0, "tcp": 1, "tls": 2, "auth": 3, "database": 4}
    for phase, broken in {
        "resolve": replace(url, host="no-such-host.invalid"),
        "tcp": replace(url, port=1),
        "tls": replace(url, sslmode="require"),
        "auth": replace(url, password=Secret(CANARY)),
        "database": replace(url, dbname="nothing_here"),
    }.items():
        found = diagnose(broken)
        assert (found.exit_code, found.reached) == (3, False)
        assert names(found) == list(before)[: before[phase] + 1]
        assert list(failures(found)) == [phase]
        assert failures(found)[phase].hint
        assert CANARY not in json.dumps(found.to_dict())


@pytest.mark.parametrize("purpose", ["read", "write", "sync"])
def test_every_missing_right_is_listed_and_the_hints_grant_them(source_db: Fresh, role: str, purpose: str) -> None:
    url = as_role(source_db, role)
    found = diagnose(url, purpose=purpose)  # type: ignore[arg-type]
    missing = failures(found)
    assert found.exit_code == 1
    assert (
        set(missing)
        == {
            "read": {"schemas", "select", "sequences"},
            "write": {"schemas", "select", "insert", "update", "delete", "sequences"},
            "sync": {"schemas", "select", "insert", "sequences"},
        }[purpose]
    )
    assert missing["schemas"].detail == "lacking on app"
    assert missing["select"].detail == "lacking on app.a, app.b, app.m, public.c"
    assert missing["sequences"].detail == "lacking on app.a_id_seq, app.b_id_seq"
    if purpose != "read":
        assert missing["insert"].detail == "lacking on app.a, app.b, public.c"
    source_db.execute(*(str(check.hint) for check in missing.values()))
    again = diagnose(url, purpose=purpose)  # type: ignore[arg-type]
    assert again.ok, failures(again)
    if purpose == "sync":
        (delete,) = (check for check in again.checks if check.name == "delete")
        assert delete.detail == "lacking on app.a, app.b, public.c: --mode replace would be refused"
        (update,) = (check for check in again.checks if check.name == "update")
        assert update.detail.startswith("lacking on app.a, app.b, public.c: tables that hold rows would be refused")
        source_db.execute(str(update.hint), f'REVOKE TEMPORARY ON DATABASE "{source_db.name}" FROM PUBLIC')
        (update,) = (check for check in diagnose(url, purpose="sync").checks if check.name == "update")
        assert update.detail.startswith("no temporary tables: ")
        source_db.execute(str(update.hint))
        (update,) = (check for check in diagnose(url, purpose="sync").checks if check.name == "update")
        assert (update.detail, update.hint) == ("every table that holds rows can be changed", None)


def test_what_migrate_needs_is_ownership_and_create(source_db: Fresh, role: str) -> None:
    source_db.execute(f"GRANT USAGE ON SCHEMA app TO {role}", f"ALTER TABLE app.a OWNER TO {role}")
    found = diagnose(as_role(source_db, role), purpose="migrate")
    assert failures(found)["ownership"].detail == "lacking on app.b, app.m, public.c"
    assert failures(found)["create"].detail.startswith("lacking on the database, app")
    source_db.execute(str(failures(found)["create"].hint))
    assert "create" not in failures(diagnose(as_role(source_db, role), purpose="migrate"))


def test_a_policy_that_hides_rows_is_a_failure(source_db: Fresh, role: str) -> None:
    source_db.execute(
        f"GRANT USAGE ON SCHEMA app TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA app, public TO {role};"
        f" GRANT SELECT ON ALL SEQUENCES IN SCHEMA app TO {role}; ALTER TABLE app.a ENABLE ROW LEVEL SECURITY"
    )
    found = diagnose(as_role(source_db, role))
    assert list(failures(found)) == ["row security"]
    assert failures(found)["row security"].detail == "lacking on app.a"
    source_db.execute(f"ALTER ROLE {role} BYPASSRLS")
    assert diagnose(as_role(source_db, role)).ok


def test_a_standby_is_good_for_reading_only(pg_a: EphemeralServer, run_directory: Path) -> None:
    with physical_copy(pg_a, run_directory / "standby-to-test", standby=True) as standby:
        port = running_port(standby)
        assert port is not None
        url = parse_url(standby.url("postgres", port))
        reading = diagnose(url)
        assert (reading.ok, reading.in_recovery) == (True, True)
        writing = diagnose(url, purpose="sync")
        assert (writing.exit_code, list(failures(writing))) == (1, ["role"])


def test_a_pooler_in_transaction_mode_is_diagnosed_through(
    pg_a: EphemeralServer, run_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "_known", {})
    with pgbouncer(pg_a, run_directory / "bouncer-to-test", mode="transaction") as port:
        found = diagnose(replace(parse_url(pg_a.url()), port=port))
        assert (found.exit_code, found.pooler, list(failures(found))) == (1, "transaction", ["pooler"])
        assert found.server_version is not None
        assert found.latency_ms is not None
        assert "session" not in names(found)


def test_a_database_marked_read_only_is_no_target(source_db: Fresh) -> None:
    url = replace(parse_url(source_db.url), read_only=True)
    assert diagnose(url).ok
    assert list(failures(diagnose(url, purpose="write"))) == ["guard"]


def test_waiting_ends_when_the_server_is_up() -> None:
    with EphemeralServer() as server:
        url = parse_url(server.url())
        server.kill()
        assert diagnose(url).exit_code == 3
        starting = threading.Timer(0.5, server.restart)
        starting.start()
        found = diagnose(url, wait=30)
        starting.join()
        assert found.ok, failures(found)
        assert diagnose(replace(url, password=Secret("x")), wait=30).exit_code == 3  # at once: time heals no password
