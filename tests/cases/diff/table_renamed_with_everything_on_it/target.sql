CREATE TABLE cust (id int PRIMARY KEY);
CREATE TABLE orders (id serial PRIMARY KEY, cust int REFERENCES cust, total numeric CHECK (total >= 0));
CREATE INDEX ON orders (cust);
CREATE VIEW v AS SELECT cust, sum(total) AS s FROM orders GROUP BY cust;
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tf();
COMMENT ON TABLE orders IS 'o';
INSERT INTO cust VALUES (1);
INSERT INTO orders (cust, total) VALUES (1, 2);
