-- a varchar with a check of IN becomes an enum, under an index and a view
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (id int PRIMARY KEY, s st NOT NULL DEFAULT 'a');
CREATE INDEX ts ON t (s);
CREATE VIEW v AS SELECT id, s FROM t WHERE s = 'a';
