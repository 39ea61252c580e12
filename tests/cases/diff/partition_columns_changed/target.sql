CREATE TABLE public.m (id int NOT NULL, k text NOT NULL, gone int, n int DEFAULT 1) PARTITION BY LIST (k);
CREATE TABLE public.ma PARTITION OF public.m FOR VALUES IN ('a');
CREATE TABLE public.mb PARTITION OF public.m (n DEFAULT 2) FOR VALUES IN ('b') PARTITION BY HASH (id);
CREATE TABLE public.mb0 PARTITION OF public.mb FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE VIEW public.v AS SELECT id, n FROM public.m;

INSERT INTO public.m VALUES (1, 'a', 9, 2), (2, 'b', 9, 2);
