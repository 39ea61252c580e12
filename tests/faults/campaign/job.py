"""The small databases that trials run on: what the source holds, what the target held before.

Foreign keys, a cycle of them, a partitioned table, identity and serial, triggers of three states, a
table without a key, equal rows, a materialised view. Old and new content differ in every table.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = """
CREATE TABLE account (id int PRIMARY KEY, owner text NOT NULL UNIQUE, balance numeric(12,2) NOT NULL, main_card int NOT NULL);
CREATE TABLE card (id int PRIMARY KEY, account int NOT NULL REFERENCES account ON DELETE CASCADE DEFERRABLE, pan text);
ALTER TABLE account ADD CONSTRAINT main FOREIGN KEY (main_card) REFERENCES card DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT main ON account IS 'the card on file';
CREATE TABLE payment (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, card int REFERENCES card ON DELETE SET NULL DEFERRABLE, cents bigint, note text);
CREATE INDEX ON payment (card);
CREATE TABLE event (id bigserial, day date NOT NULL, body jsonb, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE event_old PARTITION OF event FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE event_new PARTITION OF event DEFAULT;
CREATE TABLE wide (id int PRIMARY KEY, text1 text, text2 text, amount numeric, at timestamptz);
CREATE INDEX ON wide (at);
CREATE TABLE heap (a int, b text);
CREATE TABLE small (id int PRIMARY KEY, name text, number int GENERATED ALWAYS AS IDENTITY);
CREATE SEQUENCE ticket;
CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS payments, sum(cents) AS cents FROM payment;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'a trigger fired'; END$$;
CREATE TRIGGER loud BEFORE INSERT ON small FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER loud BEFORE INSERT OR UPDATE OR DELETE ON heap FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE heap ENABLE ALWAYS TRIGGER loud;
CREATE TRIGGER asleep BEFORE INSERT ON wide FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE wide DISABLE TRIGGER asleep;
CREATE TRIGGER echo BEFORE UPDATE ON wide FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE wide ENABLE REPLICA TRIGGER echo;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest;
GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO guest;
"""
_OFF = "SET session_replication_role = replica; ALTER TABLE heap DISABLE TRIGGER loud; ALTER TABLE wide DISABLE TRIGGER echo;"
_ON = "ALTER TABLE heap ENABLE ALWAYS TRIGGER loud; ALTER TABLE wide ENABLE REPLICA TRIGGER echo; REFRESH MATERIALIZED VIEW summary; ANALYZE;"
_ROWS = """
INSERT INTO account SELECT i, 'owner ' || i, i, 2 * i FROM generate_series(1, 75 * {n}) i;
INSERT INTO card SELECT i, (i + 1) / 2, md5(i::text) FROM generate_series(1, 150 * {n}) i;
INSERT INTO payment (card, cents, note) SELECT 1 + i % (150 * {n}), i, 'first' FROM generate_series(1, 500 * {n}) i;
INSERT INTO event (day, body) SELECT date '2023-01-01' + i % 700, jsonb_build_object('i', i) FROM generate_series(1, 400 * {n}) i;
INSERT INTO wide SELECT i, repeat(md5(i::text), 10), repeat(md5((-i)::text), 10), i + 0.10, timestamptz '2020-01-01Z' + i * interval '1 hour' FROM generate_series(1, 300 * {n}) i;
INSERT INTO heap SELECT i % 50, 'same' FROM generate_series(1, 300 * {n}) i;
INSERT INTO small SELECT i, 'n' || i FROM generate_series(1, 10) i;
SELECT setval('ticket', 100);
"""
# What happened on the source since: changes, rows that came and went, swapped unique values, a moved key.
_CHANGES = """
UPDATE account SET balance = balance + 1 WHERE id % 7 = 0;
UPDATE account SET owner = 'owner ' || CASE id WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 1 END || '.' WHERE id <= 3;
UPDATE account SET owner = rtrim(owner, '.') WHERE id <= 3;
DELETE FROM card WHERE id % 41 = 0 AND id % 2 = 1;
UPDATE card SET pan = NULL WHERE id % 13 = 0;
UPDATE payment SET card = NULL WHERE card % 41 = 0 AND card % 2 = 1;
DELETE FROM payment WHERE id % 11 = 0;
UPDATE payment SET note = 'again' WHERE id % 17 = 0;
INSERT INTO payment (card, cents, note) SELECT 1, i, 'late' FROM generate_series(1, 20 * {n}) i;
UPDATE event SET day = day + 400 WHERE id % 19 = 0;
UPDATE event SET body = '{{"i":  1.0}}' WHERE id % 23 = 0;
DELETE FROM event WHERE id % 29 = 0;
UPDATE wide SET text1 = text2, text2 = text1 WHERE id % 10 = 0;
UPDATE wide SET amount = (amount::text || '0')::numeric WHERE id % 12 = 0;
UPDATE wide SET id = id + 100000 WHERE id % 31 = 0;
DELETE FROM wide WHERE id % 37 = 0;
DELETE FROM heap WHERE ctid IN (SELECT ctid FROM heap WHERE a = 1 LIMIT 2);
INSERT INTO heap SELECT 51, 'twice' FROM generate_series(1, 4);
UPDATE small SET name = 'm' || id, number = DEFAULT;
SELECT setval('ticket', 250), nextval('payment_id_seq'), setval('event_id_seq', 450 * {n});
"""
# Rows that only the target has, and its own counting on: they go, and its sequences must not go back.
_OWN = """
INSERT INTO payment (card, cents, note) SELECT 2, -i, 'only here' FROM generate_series(1, 5 * {n}) i;
INSERT INTO event (day, body) SELECT '2025-05-05', '{{}}' FROM generate_series(1, 3 * {n}) i;
INSERT INTO wide SELECT 200000 + i, 'only here', '', 0, now() FROM generate_series(1, 5) i;
INSERT INTO small VALUES (11, 'only here');
INSERT INTO heap VALUES (NULL, NULL);
SELECT setval('payment_id_seq', 900 * {n});
"""
# Only an owner can swap unique values: it drops the index for that moment.
FOR_GUESTS = "ALTER TABLE account DROP CONSTRAINT account_owner_key;"

SIZES = (1, 1, 1, 1, 1, 4, 4, 4, 10)  # about 1.7, 7 and 17 thousand rows
GROUPS = (
    ("public.account", "public.card", "public.payment"),
    ("public.event_old", "public.event_new"),
    ("public.wide",),
    ("public.heap",),
    ("public.small",),
)
VIEWS = ("public.summary",)
RIGHTS = "GRANT "  # what ``--create`` does not make
REPORTED_AS = {"public.event": "public.event_old"}  # a partitioned table that is written through its root


def source_script(size: int) -> str:
    """What the source holds."""
    return _OFF + _ROWS.format(n=size) + _CHANGES.format(n=size) + _ON


def target_script(size: int) -> str:
    """What the target held before: the source's rows of an earlier day, and some of its own."""
    return _OFF + _ROWS.format(n=size) + _OWN.format(n=size) + _ON


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to sync: its options, and whether the target holds anything before."""

    name: str
    args: tuple[str, ...]
    empty: bool = False
    creates: bool = False  # not even the tables are there: the run makes them, fills them, and adds foreign keys last
    compares: bool = True  # it looks at what the target holds, and writes what differs
    planned: bool = False  # it follows a plan that an earlier dry run wrote; only for what nothing else passes


NO_LEDGER = "--no-ledger"
_DELTA = ("--mode", "delta", "--delete", "--max-delete", "100%")
MODES = {
    mode.name: mode
    for mode in (
        Mode("fill", (), empty=True),
        Mode("create", ("--create",), empty=True, creates=True),
        Mode("replace", ("--mode", "replace"), compares=False),
        Mode("delta", _DELTA),
        Mode("planned", _DELTA, planned=True),
    )
}
ALL_MODES = tuple(name for name, mode in MODES.items() if not mode.planned)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a trial syncs, and as whom: all but the fault."""

    mode: str
    size: int = 1
    guest: bool = False  # the target's role owns nothing
    args: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The groups that change together; without their foreign keys each table of the first group by itself."""
        if MODES[self.mode].creates:
            return (*((name,) for name in GROUPS[0]), *GROUPS[1:])
        return tuple(group for group in GROUPS if not self.guest or not _LOUD.intersection(group))

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options."""
        return (*MODES[self.mode].args, *self._role_options, *self.args)

    @property
    def recovery(self) -> tuple[str, ...]:
        """The options of the run that comes after: it takes up the broken one, or is an ordinary one without a ledger."""
        return (*self.options, "--resume") if self.has_ledger else self.options

    @property
    def has_ledger(self) -> bool:
        """Whether the run keeps books in the target; a guest may not make their schema."""
        return NO_LEDGER not in self.args and not self.guest

    @property
    def _role_options(self) -> tuple[str, ...]:
        if not self.guest:
            return ()
        left_out = [part for name in sorted(_LOUD) for part in ("--exclude", name)]
        return ("--triggers", "keep", *left_out)


_LOUD = {"public.heap", "public.small"}  # their triggers refuse rows, and only an owner can switch them off
