-- comments on constraints, on the index behind one, and on a constraint trigger
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (a bigint, b int, CONSTRAINT ck CHECK (a > 1), CONSTRAINT uq UNIQUE (a, b));
COMMENT ON CONSTRAINT ck ON t IS 'c';
COMMENT ON CONSTRAINT uq ON t IS 'u2';
COMMENT ON INDEX uq IS 'idx';
CREATE CONSTRAINT TRIGGER ct AFTER UPDATE OF b ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION tf();
COMMENT ON TRIGGER ct ON t IS 'ct';
