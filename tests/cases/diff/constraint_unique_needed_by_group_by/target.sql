CREATE TABLE public.t (id int, name text, CONSTRAINT key_old PRIMARY KEY (id));
CREATE TABLE public.u (t int, n int);
CREATE VIEW public.v AS SELECT t.id, t.name, sum(u.n) AS n FROM public.t JOIN public.u ON u.t = t.id GROUP BY t.id;

INSERT INTO public.t VALUES (1, 'x');
