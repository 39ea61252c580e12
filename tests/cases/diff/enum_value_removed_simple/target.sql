CREATE TYPE public.e AS ENUM ('a', 'b', 'c');
CREATE TABLE public.t (id int PRIMARY KEY, v public.e DEFAULT 'a' NOT NULL);
COMMENT ON TYPE public.e IS 'letters';
GRANT USAGE ON TYPE public.e TO dbsync_case_reader;

INSERT INTO public.t VALUES (1, 'a'), (2, 'c');
