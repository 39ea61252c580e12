-- a view groups by the key, which changes its name
CREATE TABLE public.t (id int, name text, CONSTRAINT key_new PRIMARY KEY (id) INCLUDE (name));
CREATE TABLE public.u (t int, n int);
CREATE VIEW public.v AS SELECT t.id, t.name, sum(u.n) AS n FROM public.t JOIN public.u ON u.t = t.id GROUP BY t.id;
