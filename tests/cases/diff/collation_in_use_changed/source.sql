-- a collation of domains, keys, checks, indexes and views changes its locale
CREATE SCHEMA s;
CREATE COLLATION s.ci (locale = 'POSIX');
CREATE DOMAIN s.name AS text COLLATE s.ci;
CREATE TABLE s.t (a text COLLATE s.ci PRIMARY KEY, b s.name, CHECK (a > 'x' COLLATE s.ci));
CREATE INDEX i ON s.t (b COLLATE "C");
CREATE VIEW s.v AS SELECT a COLLATE s.ci AS a FROM s.t;
