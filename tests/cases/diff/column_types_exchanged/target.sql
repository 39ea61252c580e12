CREATE TABLE t (a int, b text, g text GENERATED ALWAYS AS (b || 'x') STORED, CONSTRAINT ck CHECK (a > 0 AND b <> ''), u int UNIQUE);
CREATE INDEX gx ON t (g, (a + 1));
INSERT INTO t (a, b, u) VALUES (1, '2', 3);
