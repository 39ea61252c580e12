-- privileges of sequences; the owner of a table changes together with its privileges
CREATE TABLE public.t (id serial PRIMARY KEY);
CREATE SEQUENCE public.s;
ALTER TABLE public.t OWNER TO dbsync_case_owner;
GRANT SELECT, INSERT ON public.t TO dbsync_case_reader;
GRANT UPDATE ON SEQUENCE public.t_id_seq TO dbsync_case_reader;
GRANT ALL ON SEQUENCE public.s TO PUBLIC;
