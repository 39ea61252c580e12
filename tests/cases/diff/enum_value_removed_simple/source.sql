-- a label goes, one column and its default use the type
CREATE TYPE public.e AS ENUM ('a', 'c');
CREATE TABLE public.t (id int PRIMARY KEY, v public.e DEFAULT 'a' NOT NULL);
COMMENT ON TYPE public.e IS 'letters';
GRANT USAGE ON TYPE public.e TO dbsync_case_reader;
