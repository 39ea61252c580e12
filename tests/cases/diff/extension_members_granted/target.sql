CREATE EXTENSION pg_trgm;
GRANT EXECUTE ON FUNCTION public.similarity(text, text) TO dbsync_case_writer;
