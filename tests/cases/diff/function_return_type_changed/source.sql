-- a function's return type changes; views, a default, a check, an index, a policy and a generated column use it
CREATE FUNCTION public.score(x int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT x::bigint * 2';
CREATE TABLE public.t (id int PRIMARY KEY, n int DEFAULT public.score(1), g int GENERATED ALWAYS AS (public.score(id)) STORED, CONSTRAINT c CHECK (public.score(id) >= 0));
CREATE INDEX t_score ON public.t (public.score(id));
CREATE VIEW public.v AS SELECT id, public.score(id) AS score FROM public.t;
ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.t USING (public.score(id) > 0);
COMMENT ON FUNCTION public.score(int) IS 'twice';
REVOKE EXECUTE ON FUNCTION public.score(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.score(int) TO dbsync_case_reader;
