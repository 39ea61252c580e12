-- own collations come and go with the columns, indexes and domains that use them
CREATE COLLATION public."New C" (LOCALE = 'POSIX');
CREATE DOMAIN public.d AS text COLLATE public."New C";
CREATE TABLE public.t (id int PRIMARY KEY, a text, b text COLLATE public."New C", c public.d);
CREATE INDEX t_a ON public.t (a COLLATE public."New C");
CREATE VIEW public.v AS SELECT a, b FROM public.t;
COMMENT ON COLLATION public."New C" IS 'ours';
ALTER COLLATION public."New C" OWNER TO dbsync_case_owner;
