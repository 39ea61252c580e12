-- new labels are used at once in defaults, checks, indexes, partitions, domains, bodies and views
CREATE TYPE e AS ENUM ('z', 'a', 'b');
CREATE TABLE t (v e DEFAULT 'b', CHECK (v IN ('a', 'b')));
CREATE INDEX ti ON t (v) WHERE v = 'z';
CREATE TABLE p (v e) PARTITION BY LIST (v);
CREATE TABLE pa PARTITION OF p FOR VALUES IN ('a');
CREATE TABLE pb PARTITION OF p FOR VALUES IN ('b', 'z');
CREATE FUNCTION f(x e DEFAULT 'z') RETURNS e BEGIN ATOMIC SELECT 'b'::e; END;
CREATE DOMAIN d AS e CHECK (VALUE <> 'z');
CREATE VIEW v AS SELECT 'z'::e AS z;
