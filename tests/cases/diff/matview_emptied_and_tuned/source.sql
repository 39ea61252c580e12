-- a materialised view is made anew for another reason than the target of a column of its own
CREATE TABLE public.t (id int PRIMARY KEY, v text);
CREATE MATERIALIZED VIEW public.m AS SELECT t.v, count(*) AS n, 1 AS one FROM public.t GROUP BY t.v;
ALTER MATERIALIZED VIEW public.m ALTER n SET STATISTICS 77, ALTER v SET STORAGE EXTERNAL;
