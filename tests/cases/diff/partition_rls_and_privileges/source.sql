-- RLS, policies, privileges, owner, comments, options on partitions themselves
CREATE TABLE public.m (id int, v text) PARTITION BY RANGE (id);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0) TO (10);
CREATE TABLE public.m2 PARTITION OF public.m FOR VALUES FROM (10) TO (20);
ALTER TABLE public.m2 FORCE ROW LEVEL SECURITY; ALTER TABLE public.m ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.m1 USING (id > 0);
GRANT INSERT (v), SELECT ON public.m2 TO dbsync_case_writer;
ALTER TABLE public.m1 OWNER TO dbsync_case_owner;
ALTER TABLE public.m1 SET (fillfactor = 40);
ALTER TABLE public.m2 ALTER v SET STORAGE EXTERNAL, ALTER v SET STATISTICS 3;
COMMENT ON COLUMN public.m2.v IS 'of m2';
ALTER TABLE public.m1 REPLICA IDENTITY FULL;
