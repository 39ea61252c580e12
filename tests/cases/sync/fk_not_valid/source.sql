INSERT INTO parent SELECT generate_series(1, 9);
INSERT INTO child SELECT i, i, i % 9 + 1 FROM generate_series(1, 20) i;
ALTER TABLE child ADD CONSTRAINT old_orphans FOREIGN KEY (parent) REFERENCES parent NOT VALID;
