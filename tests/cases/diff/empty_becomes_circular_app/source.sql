-- tables, functions and defaults that need each other are made from nothing
CREATE SCHEMA z;
CREATE TABLE z.t (id int DEFAULT 1, total int);
CREATE FUNCTION z.n() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM z.t';
ALTER TABLE z.t ALTER total SET DEFAULT z.n();
CREATE FUNCTION z.at() RETURNS int BEGIN ATOMIC SELECT max(id) FROM z.t; END;
ALTER TABLE z.t ALTER id SET DEFAULT z.at();
CREATE DOMAIN z.d AS int DEFAULT z.n() CHECK (VALUE < 1000);
CREATE TABLE z.u (d z.d, c text COLLATE "C" DEFAULT 'x');
CREATE VIEW z.v AS SELECT z.at() AS x, t.* FROM z.t t;
ALTER TABLE z.t ADD CONSTRAINT k CHECK (z.n() >= 0);
