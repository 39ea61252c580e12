-- a generated column, an index, a check, a default and statistics use a function that returns another type
CREATE FUNCTION f(int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1::bigint * 2';
CREATE TABLE t (id int PRIMARY KEY, g bigint GENERATED ALWAYS AS (f(id)) STORED, d bigint DEFAULT f(7), CONSTRAINT ck CHECK (f(id) > 0));
CREATE INDEX ti ON t (f(id));
CREATE STATISTICS ts ON (f(id)), id FROM t;
COMMENT ON COLUMN t.g IS 'made';
GRANT SELECT (g) ON t TO dbsync_case_reader;
CREATE VIEW v AS SELECT g, f(id) AS n FROM t;
CREATE POLICY po ON t USING (f(id) > 1);
CREATE FUNCTION body(x int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT f(x) + 1; END;
