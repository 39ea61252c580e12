-- OUT arguments, TABLE results and defaults change under views
CREATE FUNCTION f(a int, b text, OUT c bigint, OUT d text) LANGUAGE sql AS 'SELECT a, b';
CREATE PROCEDURE pr(INOUT a int, b text, c int DEFAULT 3) LANGUAGE plpgsql AS 'BEGIN a := 1; END';
CREATE VIEW v AS SELECT (f(1, 'z')).c AS c, (f(1, 'z')).d AS d;
CREATE FUNCTION srf() RETURNS TABLE (a int, b int, c text) LANGUAGE sql AS 'SELECT 1, 2, ''z''';
CREATE VIEW v2 AS SELECT x.a, x.c FROM srf() x;
CREATE FUNCTION costly() RETURNS SETOF int LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public SET work_mem = '2MB' AS 'SELECT 2';
