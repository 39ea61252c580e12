-- defaults call functions, casts and operators that are made anew
CREATE TYPE c AS (a bigint);
CREATE FUNCTION mk(int) RETURNS public.c LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::public.c';
CREATE CAST (int AS c) WITH FUNCTION mk(int) AS ASSIGNMENT;
CREATE FUNCTION plus(c, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a::int + $2';
CREATE OPERATOR ## (LEFTARG = c, RIGHTARG = int, FUNCTION = plus);
CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT ((5::c) ## 1), CHECK (((id::c) ## 1) > 0));
