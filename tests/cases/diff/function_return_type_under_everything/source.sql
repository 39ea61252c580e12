-- a function's argument and result change under defaults, generated columns, checks, indexes, views, policies and triggers
CREATE FUNCTION price(amount bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT amount * 2';
CREATE TABLE t (id int PRIMARY KEY, p bigint DEFAULT price(3), g bigint GENERATED ALWAYS AS (price(id)) STORED, CHECK (price(id) > 0));
CREATE INDEX ti ON t (price(p));
CREATE VIEW v AS SELECT id, price(p) AS pp FROM t;
CREATE VIEW w AS SELECT max(pp) AS m FROM v;
CREATE FUNCTION twice(n int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT price(n) * 2; END;
CREATE POLICY po ON t USING (price(id) < 10);
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW WHEN (price(NEW.p) > 1) EXECUTE FUNCTION tf();
GRANT EXECUTE ON FUNCTION price(bigint) TO dbsync_case_reader WITH GRANT OPTION;
REVOKE EXECUTE ON FUNCTION twice(int) FROM PUBLIC;
