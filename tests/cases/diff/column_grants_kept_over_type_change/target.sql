CREATE TABLE public.t (id int PRIMARY KEY, a varchar(5), b int);
ALTER TABLE public.t ALTER a SET STORAGE EXTERNAL, ALTER a SET STATISTICS 42, ALTER b SET (n_distinct = 7), ALTER a SET COMPRESSION pglz;
CREATE VIEW public.v AS SELECT a, b FROM public.t;
GRANT SELECT (a), UPDATE (b) ON public.t TO dbsync_case_reader;
GRANT SELECT (a) ON public.v TO dbsync_case_reader WITH GRANT OPTION;
COMMENT ON COLUMN public.t.a IS 'a';
COMMENT ON COLUMN public.v.b IS 'b';
REVOKE ALL ON public.v FROM postgres;

INSERT INTO public.t VALUES (1, 'x', 2);
