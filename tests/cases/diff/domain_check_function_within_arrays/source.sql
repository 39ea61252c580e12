-- the function in a domain's check gets other arguments while arrays hold the domain
CREATE FUNCTION okd(n int, OUT ok boolean) LANGUAGE sql IMMUTABLE AS 'SELECT n > 0';
CREATE DOMAIN d1 AS int CONSTRAINT fine CHECK (okd(VALUE));
CREATE DOMAIN d2 AS d1 DEFAULT 5 CHECK (VALUE < 100);
CREATE TABLE t (a d1, b d2, c d2[]);
CREATE FUNCTION g(d2) RETURNS d1 LANGUAGE sql AS 'SELECT $1::int';
CREATE VIEW v AS SELECT a + 1 AS x, b::text FROM t;
