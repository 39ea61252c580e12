-- columns of a partitioned table come, go and change type; defaults and NOT NULL of one child differ
CREATE TABLE public.m (id int NOT NULL, k text NOT NULL, n bigint DEFAULT 10, came date DEFAULT '2020-01-01', CONSTRAINT npos CHECK (n > 0)) PARTITION BY LIST (k);
CREATE TABLE public.ma PARTITION OF public.m (n DEFAULT 3, came NOT NULL) FOR VALUES IN ('a');
CREATE TABLE public.mb PARTITION OF public.m FOR VALUES IN ('b') PARTITION BY HASH (id);
CREATE TABLE public.mb0 PARTITION OF public.mb FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE VIEW public.v AS SELECT id, n FROM public.m;
