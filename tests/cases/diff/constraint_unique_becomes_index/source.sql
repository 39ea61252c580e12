-- a unique constraint becomes an index under a foreign key, and an index a constraint with NULLS NOT DISTINCT
CREATE TABLE t (a int, b int);
CREATE UNIQUE INDEX u ON t (a, b);
ALTER TABLE t ADD CONSTRAINT x UNIQUE NULLS NOT DISTINCT (b) INCLUDE (a);
CREATE TABLE r (a int, b int, FOREIGN KEY (a, b) REFERENCES t (a, b));
