CREATE TABLE public.t (id int);
GRANT SELECT ON public.t TO dbsync_case_writer WITH GRANT OPTION;
SET ROLE dbsync_case_writer; GRANT SELECT ON public.t TO dbsync_case_reader; RESET ROLE;
