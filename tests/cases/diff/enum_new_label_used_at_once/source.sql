-- the label that is added is used by a check, a partial index and a default of the same plan
CREATE TYPE public.kind AS ENUM ('a', 'c', 'b');
CREATE TABLE public.t (id int PRIMARY KEY, k public.kind DEFAULT 'c', CONSTRAINT only_some CHECK (k <> 'c' OR id > 0));
CREATE INDEX t_c ON public.t (id) WHERE k = 'c';
CREATE FUNCTION public.usual() RETURNS public.kind LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT 'c'::public.kind; END;
