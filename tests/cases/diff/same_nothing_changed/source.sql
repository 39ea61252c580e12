-- two equal schemas made in different ways: the plan is empty
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE public.t (a int);
ALTER TABLE public.t ADD gone int, ADD b text DEFAULT 'x' NOT NULL;
ALTER TABLE public.t DROP gone, ADD c numeric;
ALTER TABLE public.t ADD PRIMARY KEY (a);
CREATE INDEX other_name ON public.t USING btree (b ASC NULLS LAST);
ALTER INDEX public.other_name RENAME TO i;
CREATE VIEW public.v AS SELECT t.a, t.b FROM public.t WHERE (t.c > 1::numeric);
GRANT INSERT ON public.t TO dbsync_case_writer;
GRANT INSERT, SELECT ON public.t TO dbsync_case_reader;
GRANT SELECT ON public.t TO dbsync_case_writer;
