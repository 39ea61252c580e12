-- indexes of many kinds are added
CREATE TABLE public.t (id int PRIMARY KEY, a int, b text, c jsonb, d tsrange, e text[]);
CREATE INDEX partial ON public.t (a DESC NULLS LAST) WHERE b IS NOT NULL AND b <> 'it''s';
CREATE INDEX expr ON public.t (lower(b), (a + 1));
CREATE UNIQUE INDEX incl ON public.t (a) INCLUDE (b, id);
CREATE INDEX opclass ON public.t (b text_pattern_ops, (c ->> 'k') COLLATE "C");
CREATE INDEX gin ON public.t USING gin (c jsonb_path_ops, e) WITH (fastupdate = off);
CREATE INDEX gist ON public.t USING gist (d) WITH (buffering = on, fillfactor = 60);
CREATE INDEX brin ON public.t USING brin (id) WITH (pages_per_range = 16, autosummarize = true);
CREATE INDEX hash ON public.t USING hash (b);
CREATE INDEX "Odd ""idx"" % name" ON public.t (a);
COMMENT ON INDEX public.expr IS 'x';
ALTER INDEX public.expr ALTER COLUMN 2 SET STATISTICS 100;
