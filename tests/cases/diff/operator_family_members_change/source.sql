-- an operator class in use gets another support function, its family members of other types
CREATE FUNCTION cmp(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT -btint4cmp($1, $2)';
CREATE FUNCTION cmp28(int2, int8) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint28cmp($1, $2)';
CREATE OPERATOR FAMILY fam USING btree;
ALTER OPERATOR FAMILY fam USING btree ADD OPERATOR 1 < (int2, int8), OPERATOR 3 = (int2, int8), FUNCTION 1 (int2, int8) cmp28(int2, int8);
CREATE OPERATOR CLASS oc FOR TYPE int USING btree FAMILY fam AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 cmp(int, int);
CREATE TABLE t (a int);
CREATE INDEX ti ON t (a oc);
