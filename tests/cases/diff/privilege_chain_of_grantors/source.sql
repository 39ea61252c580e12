-- a privilege that was granted on by another role
CREATE TABLE public.t (id int);
GRANT SELECT ON public.t TO dbsync_case_writer WITH GRANT OPTION;
GRANT SELECT ON public.t TO dbsync_case_reader;
