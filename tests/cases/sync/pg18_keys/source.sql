INSERT INTO child SELECT i, i * 100 FROM generate_series(1, 50) i;
INSERT INTO room SELECT i, '[2020-01-01,2021-01-01)' FROM generate_series(1, 9) i;
INSERT INTO booking SELECT i, i, '[2020-02-01,2020-03-01)' FROM generate_series(1, 9) i;
INSERT INTO lax SELECT i, i FROM generate_series(1, 9) i; ALTER TABLE lax ADD CONSTRAINT nn NOT NULL v NOT VALID;
