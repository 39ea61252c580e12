-- SQL-standard bodies that use each other follow a table's change
CREATE TABLE t (a bigint, b int, c text);
CREATE FUNCTION f1() RETURNS bigint BEGIN ATOMIC SELECT sum(a)::bigint FROM t; END;
CREATE FUNCTION f2() RETURNS bigint BEGIN ATOMIC SELECT f1() + 1; END;
CREATE PROCEDURE p1() BEGIN ATOMIC INSERT INTO t VALUES (f2(), 1, 'x'); DELETE FROM t WHERE a = f1(); END;
CREATE VIEW v AS SELECT f2() AS x;
