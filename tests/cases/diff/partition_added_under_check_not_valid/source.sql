-- new partitions of new and of old parents whose checks are not validated, or not enforced
CREATE TABLE public.p (id int, k text) PARTITION BY LIST (k);
ALTER TABLE public.p ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
CREATE TABLE public.a PARTITION OF public.p FOR VALUES IN ('a');
CREATE TABLE public.q (id int, k text) PARTITION BY LIST (k);
CREATE TABLE public.c (id int, k text) PARTITION BY LIST (id);
ALTER TABLE public.q ADD CONSTRAINT later CHECK (k <> 'x') NOT VALID;
ALTER TABLE public.c ADD CONSTRAINT later CHECK (k <> 'x') NOT VALID;
ALTER TABLE public.q ATTACH PARTITION public.c FOR VALUES IN ('c');
CREATE TABLE public.d PARTITION OF public.c FOR VALUES IN (1);
