CREATE TABLE public.t (id int PRIMARY KEY, a text COLLATE "C" UNIQUE, b text, c varchar(5) COLLATE "POSIX");
CREATE INDEX t_b ON public.t (b);
CREATE VIEW public.v AS SELECT a, b FROM public.t ORDER BY b;

INSERT INTO public.t VALUES (1, 'a', 'b', 'c');
