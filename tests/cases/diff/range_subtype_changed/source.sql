-- a range gets another subtype: only a new type can do that
CREATE TYPE public.band AS RANGE (subtype = numeric);
CREATE TABLE public.t (id int PRIMARY KEY, b public.band);
CREATE INDEX t_b ON public.t USING gist (b);
