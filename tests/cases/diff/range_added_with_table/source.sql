-- a range type with a subtype difference function and a table with an exclusion over it
CREATE EXTENSION btree_gist;
CREATE FUNCTION public.time_diff(a time, b time) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT extract(epoch FROM a - b)::float8 $$;
CREATE TYPE public.timerange AS RANGE (subtype = time, subtype_diff = public.time_diff, multirange_type_name = public.manytimes);
CREATE TABLE public.shift (id int PRIMARY KEY, worker int NOT NULL, at public.timerange NOT NULL DEFAULT '[08:00,16:00)', EXCLUDE USING gist (worker WITH =, at WITH &&));
CREATE INDEX shift_at ON public.shift USING gist (at);
COMMENT ON TYPE public.timerange IS 'times of a day';
ALTER TYPE public.timerange OWNER TO dbsync_case_owner;
