-- table and column privileges in every direction, grant options, PUBLIC
CREATE TABLE public.t (id int PRIMARY KEY, a text, b text);
CREATE TABLE public.u (id int PRIMARY KEY);
GRANT SELECT ON public.t TO dbsync_case_reader WITH GRANT OPTION;
GRANT UPDATE (a) ON public.t TO dbsync_case_writer WITH GRANT OPTION;
GRANT REFERENCES (id) ON public.t TO PUBLIC;
GRANT TRUNCATE, TRIGGER, DELETE ON public.u TO dbsync_case_writer;
REVOKE ALL ON public.u FROM postgres;
