-- a column goes from under an index, statistics, a trigger, a policy, a publication, a rule and an SQL-standard body
CREATE TABLE t (id int PRIMARY KEY, keep text);
CREATE INDEX gi ON t (keep);
CREATE UNIQUE INDEX ku ON t (keep);
CREATE VIEW v AS SELECT id FROM t;
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tg BEFORE UPDATE OF keep ON t FOR EACH ROW EXECUTE FUNCTION tf();
CREATE POLICY p ON t USING (id > 1);
CREATE PUBLICATION pb FOR TABLE t (id);
CREATE TABLE c (g int, FOREIGN KEY (g) REFERENCES t);
CREATE FUNCTION sf() RETURNS int BEGIN ATOMIC SELECT max(id) FROM t; END;
