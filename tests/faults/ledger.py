"""The data that fault trials run on, and what must hold for it after each of them.

Five groups of tables, each of which is replaced as a whole. ``advance`` changes every row of the
source, so that old and new content differ in each table, without ever resetting the target.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.fixtures import oracle
from tests.fixtures.command import Result
from tests.fixtures.pair import Pair, run_sql

SCHEMA = """
CREATE TABLE account (id int PRIMARY KEY, owner text NOT NULL, balance numeric(12,2) NOT NULL, main_card int NOT NULL, g int NOT NULL);
CREATE TABLE card (id int PRIMARY KEY, account int NOT NULL REFERENCES account ON DELETE CASCADE, g int NOT NULL);
ALTER TABLE account ADD CONSTRAINT main FOREIGN KEY (main_card) REFERENCES card;
COMMENT ON CONSTRAINT main ON account IS 'the card on file';
CREATE TABLE payment (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, card int REFERENCES card ON DELETE SET NULL, cents bigint, g int NOT NULL);
CREATE INDEX ON payment (card);
CREATE TABLE event (id bigint, day date NOT NULL, body jsonb, g int NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE event_old PARTITION OF event FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE event_new PARTITION OF event DEFAULT;
CREATE TABLE wide (id int PRIMARY KEY, text1 text, text2 text, g int NOT NULL);
CREATE TABLE heap (a int, b text, g int NOT NULL);
CREATE TABLE small (id int PRIMARY KEY, g int NOT NULL);
CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS payments FROM payment;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'a trigger fired'; END$$;
CREATE TRIGGER loud BEFORE INSERT ON small FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER loud BEFORE INSERT OR UPDATE OR DELETE ON heap FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE heap ENABLE ALWAYS TRIGGER loud;
"""
ROWS = """
ALTER TABLE small DISABLE TRIGGER ALL;
ALTER TABLE heap DISABLE TRIGGER loud;
ALTER TABLE account DISABLE TRIGGER ALL;
INSERT INTO account SELECT i, md5(i::text), i, 2 * i, 0 FROM generate_series(1, 1500) i;
ALTER TABLE account ENABLE TRIGGER ALL;
INSERT INTO card SELECT i, (i + 1) / 2, 0 FROM generate_series(1, 3000) i;
INSERT INTO payment (card, cents, g) SELECT 1 + i % 3000, i, 0 FROM generate_series(1, 8000) i;
INSERT INTO event SELECT i, date '2023-01-01' + i % 700, jsonb_build_object('i', i), 0 FROM generate_series(1, 4000) i;
INSERT INTO wide SELECT i, repeat(md5(i::text), 10), repeat(md5((-i)::text), 10), 0 FROM generate_series(1, 3000) i;
INSERT INTO heap SELECT i % 50, 'same', 0 FROM generate_series(1, 2000) i;
INSERT INTO small SELECT i, 0 FROM generate_series(1, 10) i;
ALTER TABLE small ENABLE TRIGGER ALL;
ALTER TABLE heap ENABLE ALWAYS TRIGGER loud;
"""
_ADVANCE = """
SET session_replication_role = replica;
ALTER TABLE heap DISABLE TRIGGER loud;
UPDATE account SET g = g + 1, balance = balance + 1;
UPDATE card SET g = g + 1;
UPDATE payment SET g = g + 1;
INSERT INTO payment (card, cents, g) SELECT 1, 1, max(g) FROM payment;
UPDATE event SET g = g + 1;
UPDATE wide SET g = g + 1;
UPDATE heap SET g = g + 1;
UPDATE small SET g = g + 1;
ALTER TABLE heap ENABLE ALWAYS TRIGGER loud;
REFRESH MATERIALIZED VIEW summary;
"""

GROUPS = (
    ("public.account", "public.card", "public.payment"),
    ("public.event_old", "public.event_new"),
    ("public.wide",),
    ("public.heap",),
    ("public.small",),
)
_OF_REPORTED = {"public.event": "public.event_old"}


def advance(pair: Pair) -> None:
    """Change every row of the source."""
    run_sql(pair.source, _ADVANCE)


@dataclass(slots=True)
class Trial:
    """Old and new content of one trial, and the target's structure before it; ``now`` is what ``check`` saw."""

    pair: Pair
    old: oracle.Photograph
    new: oracle.Photograph
    now: oracle.Photograph | None = None

    @classmethod
    def begin(cls, pair: Pair, *, old: oracle.Photograph | None = None) -> Trial:
        """Change the source, then photograph both sides (``old``: the target as the last trial left it)."""
        advance(pair)
        return cls(pair, old or oracle.take(pair.target), oracle.take(pair.source, structure=False))

    def check(self, result: Result | None) -> list[str]:
        """Say what is wrong now; ``result`` is None for a client that was killed."""
        wrong = [f"left on the target: {what}" for what in oracle.leftovers(self.pair.target, excuse=_own)]
        self.now = now = oracle.take(self.pair.target)
        wrong += [change for change in oracle.structure_changes(self.old, now) if not _own(change)]
        source = oracle.take(self.pair.source, structure=False)
        wrong += [f"the source changed: {change}" for change in oracle.all_changes(self.new, source)]
        wrong += [f"left on the source: {what}" for what in oracle.leftovers(self.pair.source)]
        for group in GROUPS:
            content = [now.content[name] for name in group]
            states = {
                "old": content == [self.old.content[name] for name in group],
                "new": content == [self.new.content[name] for name in group],
            }
            if not any(states.values()):
                wrong.append(f"{', '.join(group)}: neither old nor new")
            if result is not None:
                wrong += self._report_is_true(result, group, states)
        if result is not None and result.exit_code == 0:
            wrong += oracle.differences(self.pair.source, self.pair.target)
        return wrong

    def _report_is_true(self, result: Result, group: tuple[str, ...], states: dict[str, bool]) -> list[str]:
        """A table that is reported as done holds the new rows, any other the old ones."""
        found = result.document["result"]
        if found is None:
            return [] if states["old"] else [f"{group}: changed, and there is no report of it"]
        reported = {_OF_REPORTED.get(table["table"], table["table"]): table for table in found["tables"]}
        wrong = []
        for name in group:
            if name not in reported:
                continue
            state = reported[name]["state"]
            if not states["new" if state == "done" else "old"]:
                wrong.append(
                    f"{name} is reported as {state} but does not hold the {'new' if state == 'done' else 'old'} rows"
                )
            if reported[name]["verified"] and state != "done":
                wrong.append(f"{name} is reported as verified and {state}")
        if (found["state"] == "succeeded") != (result.exit_code == 0):
            wrong.append(f"state {found['state']} with exit code {result.exit_code}")
        return wrong


def _own(line: str) -> bool:
    """Staging in dbsync's own schema, which a killed run may leave to the next one."""
    return " dbsync." in line or line == "schema dbsync" or "schema | dbsync |" in line
