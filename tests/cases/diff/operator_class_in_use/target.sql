CREATE FUNCTION absless(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) < abs($2)';
CREATE FUNCTION abscmp(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) - abs($2)';
CREATE FUNCTION abseq(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) = abs($2)';
CREATE OPERATOR |<| (LEFTARG = int, RIGHTARG = int, FUNCTION = absless);
CREATE OPERATOR |=| (LEFTARG = int, RIGHTARG = int, FUNCTION = abseq);
CREATE OPERATOR CLASS abs_ops FOR TYPE int USING btree AS OPERATOR 1 |<|, FUNCTION 1 abscmp(int, int);
CREATE TABLE t (a int);
CREATE INDEX ia ON t (a abs_ops);
