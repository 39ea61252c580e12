-- attributes change their types and one is added, in arrays, domains and other composites too
CREATE TYPE addr AS (street varchar(80) COLLATE "C", zip int, country text);
CREATE TABLE c (id int PRIMARY KEY, home addr, others addr[]);
CREATE FUNCTION zip(a addr) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a.zip';
CREATE VIEW cz AS SELECT id, (home).zip AS z, home FROM c;
CREATE INDEX cz_i ON c (((home).zip));
CREATE TYPE outerc AS (a addr, n int);
CREATE DOMAIN dad AS addr CHECK ((VALUE).zip > 0);
CREATE TABLE uses (o outerc, d dad);
COMMENT ON COLUMN addr.country IS 'iso';
