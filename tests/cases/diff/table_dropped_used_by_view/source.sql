-- a table goes and the view over it reads another one
CREATE TABLE public.b (id int PRIMARY KEY, v text);
CREATE TABLE public.ref (id int REFERENCES public.b, note text);
CREATE VIEW public.v AS SELECT id, v FROM public.b;
CREATE VIEW public.vv AS SELECT count(*) AS n FROM public.v;
