-- a new partition has an index of its own, like the one that hangs on its parent's, whose name comes later
CREATE TABLE public.parent (id int NOT NULL, k text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE public.child PARTITION OF public.parent FOR VALUES FROM (0) TO (58);
CREATE INDEX ON public.parent (k);
CREATE INDEX a_own ON public.child (k);
CREATE TABLE public.old (id int NOT NULL, k text) PARTITION BY RANGE (id);
CREATE TABLE public.joins PARTITION OF public.old FOR VALUES FROM (0) TO (58);
CREATE INDEX z_parts ON public.old (k);
CREATE INDEX b_own ON public.joins (k);
