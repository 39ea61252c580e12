-- a new index of a partitioned table alone, which its partitions, old and new, do not have
CREATE TABLE public.p (id int, k text) PARTITION BY LIST (k);
CREATE TABLE public.a PARTITION OF public.p FOR VALUES IN ('a');
CREATE TABLE public.b PARTITION OF public.p FOR VALUES IN ('b');
CREATE INDEX alone ON ONLY public.p (id);
CREATE INDEX together ON public.p (k);
