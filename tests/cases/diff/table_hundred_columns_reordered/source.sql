-- columns in another order, some gone and some come
CREATE TABLE public.t (e boolean, new1 int DEFAULT 1, d numeric, a int PRIMARY KEY, b text, c date, new2 text NOT NULL DEFAULT '');
CREATE VIEW public.v AS SELECT a, b, e FROM public.t;
