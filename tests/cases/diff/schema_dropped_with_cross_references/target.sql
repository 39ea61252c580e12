CREATE SCHEMA old;
CREATE TYPE old.e AS ENUM ('a');
CREATE TABLE old.t (id int PRIMARY KEY, e old.e);
CREATE TABLE keep (id int REFERENCES old.t, e old.e, f text);
CREATE VIEW keepv AS SELECT k.id, t.e FROM keep k JOIN old.t t USING (id);
CREATE FUNCTION old.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER TABLE keep ALTER id SET DEFAULT old.f();
CREATE TRIGGER tg BEFORE UPDATE ON keep FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
