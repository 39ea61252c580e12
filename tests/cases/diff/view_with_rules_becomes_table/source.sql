-- a view with a trigger and a rule becomes a table, under another view
CREATE TABLE base (a int, b text);
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE x (a int PRIMARY KEY, b text DEFAULT 'z');
CREATE TRIGGER it BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION tf();
GRANT SELECT, INSERT ON x TO dbsync_case_reader;
CREATE VIEW over AS SELECT a FROM x;
