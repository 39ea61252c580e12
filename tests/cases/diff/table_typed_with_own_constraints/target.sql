CREATE TYPE public.dims AS (unit text, "w h" numeric, d int);
