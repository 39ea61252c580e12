-- an extension goes: what said that it depends on it goes with it, or stays without saying so
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE FUNCTION stays() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE INDEX ti ON t (v);
CREATE VIEW uses AS SELECT stays() AS one;
