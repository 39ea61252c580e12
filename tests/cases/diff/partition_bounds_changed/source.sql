-- bounds of range, list and hash partitions and of the default one
CREATE TABLE public.r (a int) PARTITION BY RANGE (a);
CREATE TABLE public.r1 PARTITION OF public.r FOR VALUES FROM (MINVALUE) TO (10);
CREATE TABLE public.r2 PARTITION OF public.r FOR VALUES FROM (10) TO (MAXVALUE);
CREATE TABLE public.l (a text) PARTITION BY LIST (a);
CREATE TABLE public.l1 PARTITION OF public.l FOR VALUES IN ('x', 'it''s', NULL);
CREATE TABLE public.l2 PARTITION OF public.l FOR VALUES IN ('y');
