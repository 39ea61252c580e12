-- a table and an enum stand in another schema, without a hint
CREATE SCHEMA n;
CREATE TABLE n.t (id int PRIMARY KEY, v text);
CREATE VIEW v AS SELECT * FROM n.t;
CREATE TYPE n.e AS ENUM ('a');
CREATE TABLE u (e n.e);
