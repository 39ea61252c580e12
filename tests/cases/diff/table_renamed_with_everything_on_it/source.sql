-- a table with serial, index, view, trigger and comments is renamed by hint and changed
CREATE TABLE cust (id int PRIMARY KEY);
CREATE TABLE purchases (id serial PRIMARY KEY, customer_id int REFERENCES cust ON DELETE SET NULL, total numeric CHECK (total >= 0), note text);
CREATE INDEX ON purchases (customer_id);
CREATE VIEW v AS SELECT customer_id, sum(total) AS s FROM purchases GROUP BY customer_id;
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON purchases FOR EACH ROW EXECUTE FUNCTION tf();
COMMENT ON TABLE purchases IS 'p';
