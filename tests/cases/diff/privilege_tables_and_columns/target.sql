CREATE TABLE public.t (id int PRIMARY KEY, a text, b text);
CREATE TABLE public.u (id int PRIMARY KEY);
GRANT SELECT, INSERT ON public.t TO dbsync_case_reader;
GRANT SELECT (a), UPDATE (a, b) ON public.t TO dbsync_case_writer;
GRANT SELECT ON public.u TO PUBLIC;
GRANT DELETE ON public.u TO dbsync_case_writer WITH GRANT OPTION;
