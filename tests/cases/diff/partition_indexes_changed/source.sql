-- indexes of a partitioned table: added, dropped, redefined, ON ONLY and invalid, attached with odd names
CREATE TABLE public.m (a int, b int, c text) PARTITION BY RANGE (a);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0) TO (10);
CREATE TABLE public.m2 PARTITION OF public.m FOR VALUES FROM (10) TO (20);
CREATE INDEX m1_b_c ON public.m1 (b, c);
CREATE INDEX all_b_c ON public.m (b, c);
CREATE INDEX changes ON public.m (b DESC) WHERE c IS NOT NULL;
CREATE UNIQUE INDEX uniq ON public.m (a, b) INCLUDE (c);
CREATE INDEX "half" ON ONLY public.m (lower(c));
CREATE INDEX "half Child" ON public.m1 (lower(c));
ALTER INDEX public."half" ATTACH PARTITION public."half Child";
COMMENT ON INDEX public.uniq IS 'all over';
