CREATE TABLE public.a (id int PRIMARY KEY, v text);
CREATE TABLE public.b (a int REFERENCES public.a, w text);
CREATE TABLE public.c (a int REFERENCES public.a, x text);
CREATE VIEW public.j AS SELECT a.id, b.w, c.x FROM public.a JOIN public.b ON b.a = a.id JOIN public.c ON c.a = a.id;
CREATE VIEW public.jj AS SELECT count(*) AS n, max(w) AS w FROM public.j;

INSERT INTO public.a VALUES (1, 'x'); INSERT INTO public.b VALUES (1, 'y'); INSERT INTO public.c VALUES (1, 'z');
