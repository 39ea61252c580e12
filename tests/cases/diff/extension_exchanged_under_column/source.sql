-- a column leaves the type of an extension that goes, another extension's operator class comes
CREATE EXTENSION pg_trgm;
CREATE TABLE t (a text UNIQUE, b text);
CREATE VIEW v AS SELECT a = 'x' AS eq FROM t;
CREATE INDEX ti ON t USING gin (b gin_trgm_ops);
