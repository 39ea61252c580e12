-- a range's owner and rights, with a function over its multirange
CREATE TYPE fr AS RANGE (subtype = float8, multirange_type_name = fmr);
ALTER TYPE fr OWNER TO dbsync_case_owner;
REVOKE USAGE ON TYPE fr FROM PUBLIC;
COMMENT ON TYPE fr IS 'floats';
CREATE FUNCTION f(fmr) RETURNS fr LANGUAGE sql AS 'SELECT range_merge($1)';
CREATE TABLE t (r fr, m fmr DEFAULT '{}');
