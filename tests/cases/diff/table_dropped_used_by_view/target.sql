CREATE TABLE public.b (id int PRIMARY KEY, v text);
CREATE TABLE public.a (id int PRIMARY KEY, v text);
CREATE TABLE public.ref (id int REFERENCES public.a, note text);
CREATE VIEW public.v AS SELECT id, v FROM public.a;
CREATE VIEW public.vv AS SELECT count(*) AS n FROM public.v;

INSERT INTO public.b VALUES (1, 'x'); INSERT INTO public.a VALUES (1, 'y'); INSERT INTO public.ref VALUES (1, 'n');
