-- an operator gets a commutator and a selectivity, a cast another context and function, under a check and a view
CREATE TYPE pt AS (x int, y int);
CREATE FUNCTION pt_lt(pt, pt) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x < ($2).x';
CREATE FUNCTION pt_gt(pt, pt) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x > ($2).x';
CREATE FUNCTION pt_text(pt) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).y::text';
CREATE OPERATOR <<< (LEFTARG = pt, RIGHTARG = pt, FUNCTION = pt_lt, COMMUTATOR = >>>, RESTRICT = scalarltsel);
CREATE OPERATOR >>> (LEFTARG = pt, RIGHTARG = pt, FUNCTION = pt_gt, COMMUTATOR = <<<);
CREATE CAST (pt AS text) WITH FUNCTION pt_text(pt) AS IMPLICIT;
CREATE TABLE t (p pt, CHECK (p <<< ROW(9,9)::pt));
CREATE VIEW v AS SELECT p <<< ROW(1,1)::pt AS lt FROM t;
