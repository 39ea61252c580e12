-- a view's columns are moved and renamed under views, functions, grants, defaults and triggers
CREATE TABLE t (a int, b text, c date);
CREATE VIEW v AS SELECT c, a AS aa, b FROM t;
CREATE VIEW w AS SELECT v.* FROM v;
CREATE FUNCTION f(v) RETURNS text LANGUAGE sql AS 'SELECT ($1).b';
CREATE FUNCTION g() RETURNS SETOF w LANGUAGE sql AS 'SELECT * FROM w';
GRANT SELECT (aa), INSERT (b) ON v TO dbsync_case_reader;
ALTER VIEW v ALTER b SET DEFAULT 'x';
CREATE TRIGGER it INSTEAD OF INSERT OR UPDATE ON v FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
