"""The oracle notices planted faults: zeros elsewhere mean nothing otherwise."""

from __future__ import annotations

import psycopg
import pytest

from tests.faults import ledger
from tests.fixtures import oracle
from tests.fixtures.pair import run_sql

_OFF = "SET session_replication_role = replica; ALTER TABLE heap DISABLE TRIGGER ALL; ALTER TABLE small DISABLE TRIGGER ALL; "
_ON = "; ALTER TABLE small ENABLE TRIGGER ALL; ALTER TABLE heap ENABLE ALWAYS TRIGGER loud"

DATA_FAULTS = (
    ("one letter", "UPDATE wide SET text1 = overlay(text1 PLACING 'Z' FROM 40) WHERE id = 77", "public.wide"),
    ("one row less", "DELETE FROM wide WHERE id = 5", "public.wide"),
    ("one of many equal rows less", "DELETE FROM heap WHERE ctid = '(0,1)'", "public.heap"),
    ("a pair of equal rows", "INSERT INTO heap SELECT 9, 'twice', 0 FROM generate_series(1, 2)", "public.heap"),
    ("an empty text", "UPDATE account SET owner = '' WHERE id = 1", "public.account"),
    ("NULL for a value", "UPDATE payment SET cents = NULL WHERE id = 3", "public.payment"),
    ("two values swapped", "UPDATE wide SET text1 = text2, text2 = text1 WHERE id = 9", "public.wide"),
    ("a row in another partition", "UPDATE event SET day = day + 2000 WHERE id = 1", "public.event_old"),
    ("a sequence behind", "SELECT setval('payment_id_seq', 7999)", "sequence public.payment_id_seq"),
)
STRUCTURE_FAULTS = (
    ("a trigger switched off", "ALTER TABLE small DISABLE TRIGGER loud"),
    ("a trigger that no longer fires always", "ALTER TABLE heap ENABLE TRIGGER loud"),
    ("the triggers of a foreign key off", "ALTER TABLE card DISABLE TRIGGER ALL"),
    ("a key no longer validated", "ALTER TABLE account DROP CONSTRAINT main, ADD CONSTRAINT main FOREIGN KEY (main_card) REFERENCES card NOT VALID; COMMENT ON CONSTRAINT main ON account IS 'the card on file'"),
    ("a comment lost", "ALTER TABLE account DROP CONSTRAINT main, ADD CONSTRAINT main FOREIGN KEY (main_card) REFERENCES card"),
    ("an index lost", "DROP INDEX payment_card_idx"),
    ("a table made again", "CREATE TABLE twin (LIKE small INCLUDING ALL); DROP TABLE small; ALTER TABLE twin RENAME TO small"),
    ("a table left behind", "CREATE TABLE staging_of_something (id int)"),
    ("no longer logged", "ALTER TABLE wide SET UNLOGGED"),
    ("a grant", "GRANT SELECT ON wide TO public"),
    ("a changed setting", "ALTER TABLE wide SET (autovacuum_enabled = off)"),
    ("a view no longer filled", "REFRESH MATERIALIZED VIEW summary WITH NO DATA"),
)  # fmt: skip


def test_every_planted_fault_is_seen(pairs) -> None:
    pair = pairs(ledger.SCHEMA, ledger.ROWS, ledger.ROWS)
    run_sql(pair.source, "REFRESH MATERIALIZED VIEW summary")
    run_sql(pair.target, "REFRESH MATERIALIZED VIEW summary")
    assert oracle.differences(pair.source, pair.target) == []
    before = oracle.take(pair.target)
    missed = []
    for name, fault, place in DATA_FAULTS:
        run_sql(pair.target, _OFF + fault + _ON)
        if not any(line.startswith(place) for line in oracle.differences(pair.source, pair.target)):
            missed.append(name)
    assert oracle.all_changes(before, oracle.take(pair.target)) != []
    assert oracle.structure_changes(before, oracle.take(pair.target)) == []
    for name, fault in STRUCTURE_FAULTS:
        before = oracle.take(pair.target)
        run_sql(pair.target, fault)
        if not oracle.structure_changes(before, oracle.take(pair.target)):
            missed.append(name)
    assert missed == []


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        ("idle in transaction", "BEGIN; SELECT 1"),
        ("advisory lock", "SELECT pg_advisory_lock(77)"),
        ("relation", "CREATE TEMP TABLE rest (id int)"),
        ("session", "SET application_name = 'dbsync x'"),
        ("schema", "CREATE SCHEMA dbsync_staging"),
    ],
)
def test_every_leftover_is_seen(what: str, statement: str, pairs) -> None:
    pair = pairs()
    assert oracle.leftovers(pair.target) == []
    with psycopg.connect(pair.target, autocommit=True) as connection:
        connection.execute(statement.encode())
        assert any(line.startswith(what) or what in line for line in oracle.leftovers(pair.target, patience=0))
