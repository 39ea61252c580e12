CREATE FUNCTION fdiff(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE TYPE fr AS RANGE (subtype = float8);
CREATE TABLE t (id int PRIMARY KEY, r fr, EXCLUDE USING gist (r WITH &&));
CREATE FUNCTION len(fr) RETURNS float8 LANGUAGE sql AS 'SELECT upper($1)-lower($1)';
INSERT INTO t VALUES (1, '[1,2]');
