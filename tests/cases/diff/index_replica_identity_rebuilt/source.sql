-- the index that is the replica identity and the cluster index is rebuilt: both marks have to come back
CREATE TABLE public.a (x int NOT NULL, y text NOT NULL);
CREATE UNIQUE INDEX ax ON public.a (x, y) WITH (fillfactor = 80);
ALTER TABLE public.a REPLICA IDENTITY USING INDEX ax;
ALTER TABLE public.a CLUSTER ON ax;
COMMENT ON INDEX public.ax IS 'who is who';
