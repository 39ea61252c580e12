CREATE TABLE public.t (a int PRIMARY KEY, b text, c date, d numeric, gone1 int, e boolean, gone2 text);
CREATE VIEW public.v AS SELECT a, b, e FROM public.t;

INSERT INTO public.t VALUES (1, 'x', '2020-01-01', 1.5, 9, true, 'g');
