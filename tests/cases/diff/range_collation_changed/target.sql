CREATE TYPE tr AS RANGE (subtype = text, collation = "C");
CREATE TABLE t (r tr);
CREATE FUNCTION f(tr) RETURNS text LANGUAGE sql AS 'SELECT lower($1)';
