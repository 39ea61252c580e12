CREATE TABLE public.t (id serial PRIMARY KEY);
CREATE SEQUENCE public.s;
GRANT SELECT ON public.t TO dbsync_case_reader;
GRANT USAGE ON SEQUENCE public.t_id_seq TO dbsync_case_writer;

INSERT INTO public.t DEFAULT VALUES;
