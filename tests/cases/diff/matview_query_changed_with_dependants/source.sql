-- a matview's query changes; a matview and a view stand on it; indexes, comments, statistics hang on it
CREATE TABLE public.sale (id int PRIMARY KEY, day date NOT NULL, amount numeric);
GRANT SELECT ON public.sale TO dbsync_case_owner;
CREATE MATERIALIZED VIEW public.daily AS SELECT day, sum(amount) AS amount, count(*) AS n FROM public.sale GROUP BY day;
CREATE UNIQUE INDEX daily_day ON public.daily (day);
CREATE MATERIALIZED VIEW public.monthly WITH (fillfactor = 80) AS SELECT date_trunc('month', day) AS month, sum(amount) AS amount FROM public.daily GROUP BY 1;
CREATE INDEX monthly_month ON public.monthly (month);
CREATE VIEW public.latest AS SELECT max(month) AS month FROM public.monthly;
COMMENT ON MATERIALIZED VIEW public.daily IS 'by day';
COMMENT ON COLUMN public.daily.amount IS 'sum';
ALTER MATERIALIZED VIEW public.daily ALTER amount SET STATISTICS 77;
ALTER MATERIALIZED VIEW public.monthly CLUSTER ON monthly_month;
GRANT SELECT ON public.daily, public.monthly TO dbsync_case_reader;
ALTER MATERIALIZED VIEW public.daily OWNER TO dbsync_case_owner;
