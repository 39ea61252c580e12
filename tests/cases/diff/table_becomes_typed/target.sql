CREATE TYPE public.row_type AS (id int, name text);
CREATE TABLE public.t (id int, name text);

INSERT INTO public.t VALUES (1, 'a');
