-- a range over text changes its collation while a table holds it
CREATE TYPE tr AS RANGE (subtype = text, collation = "POSIX");
CREATE TABLE t (r tr, m tr[]);
CREATE FUNCTION f(tr) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
