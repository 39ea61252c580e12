-- a range gets a difference function and another name for its multirange, with an exclusion over it
CREATE FUNCTION fdiff(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE TYPE fr AS RANGE (subtype = float8, subtype_diff = fdiff, multirange_type_name = frs);
CREATE TABLE t (id int PRIMARY KEY, r fr, m frs, EXCLUDE USING gist (r WITH &&));
CREATE FUNCTION len(fr) RETURNS float8 LANGUAGE sql AS 'SELECT upper($1)-lower($1)';
