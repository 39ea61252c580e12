CREATE TABLE public.t (a int PRIMARY KEY, b text DEFAULT 'x' NOT NULL, c numeric);
CREATE INDEX i ON public.t (b);
CREATE VIEW public.v AS SELECT a, b FROM public.t WHERE c > 1;
GRANT SELECT, INSERT ON public.t TO dbsync_case_reader, dbsync_case_writer;
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';

INSERT INTO public.t VALUES (1, 'b', 2);
