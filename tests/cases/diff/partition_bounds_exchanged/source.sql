-- two partitions exchange their names' bounds: both have to be detached first
CREATE TABLE public.l (a text) PARTITION BY LIST (a);
CREATE TABLE public.l1 PARTITION OF public.l FOR VALUES IN ('y');
CREATE TABLE public.l2 PARTITION OF public.l FOR VALUES IN ('x');
