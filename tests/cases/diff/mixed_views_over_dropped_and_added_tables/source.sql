-- a join view over tables of which one is renamed without a hint, one dropped, one added
CREATE TABLE public.a (id int PRIMARY KEY, v varchar);
CREATE TABLE public.d (a int REFERENCES public.a, x text);
CREATE TABLE public.e (a int PRIMARY KEY REFERENCES public.a, w text DEFAULT 'none');
CREATE VIEW public.j AS SELECT a.id, e.w, d.x, a.v FROM public.a JOIN public.d ON d.a = a.id LEFT JOIN public.e ON e.a = a.id;
CREATE VIEW public.jj AS SELECT count(*) AS n, max(w) AS w FROM public.j;
