-- a view gains a column in place: rules, triggers, defaults, grants of columns and options stay, and those of the new one come
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW v WITH (security_barrier = true) AS SELECT id, a, b FROM t;
ALTER VIEW v ALTER a SET DEFAULT 4;
ALTER VIEW v ALTER b SET DEFAULT 'b';
CREATE TRIGGER tr INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
CREATE RULE ru AS ON DELETE TO v DO INSTEAD NOTHING;
GRANT SELECT (a, b) ON v TO dbsync_case_reader;
COMMENT ON COLUMN v.b IS 'new';
