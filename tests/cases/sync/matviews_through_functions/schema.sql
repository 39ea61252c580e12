CREATE TABLE t (id int PRIMARY KEY);
CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.t';
CREATE FUNCTION plus(int, int) RETURNS bigint LANGUAGE plpgsql STABLE AS
  'BEGIN RETURN $1 + $2 + (SELECT count(*) FROM public.t); END';
CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = plus);
CREATE FUNCTION latest(bigint, int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.t';
CREATE AGGREGATE seen(int) (SFUNC = latest, STYPE = bigint);
CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE MATERIALIZED VIEW a_called AS SELECT counted() AS n;
CREATE VIEW between_them AS SELECT counted() AS n;
CREATE MATERIALIZED VIEW a_behind_a_view AS SELECT n FROM between_them;
CREATE MATERIALIZED VIEW by_operator AS SELECT 3 <+> 4 AS n;
CREATE MATERIALIZED VIEW by_aggregate AS SELECT seen(1) AS n;
CREATE MATERIALIZED VIEW read_by_one AS SELECT n + 1 AS n FROM a_called;
CREATE MATERIALIZED VIEW z_sum AS SELECT sum(id) AS n FROM t;
CREATE FUNCTION summed() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT n FROM public.z_sum); END';
CREATE MATERIALIZED VIEW a_reader_of_another AS SELECT summed() AS n;
