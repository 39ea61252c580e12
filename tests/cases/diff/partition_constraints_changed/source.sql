-- primary key, unique and foreign keys of a partitioned table in both directions, and foreign keys to it
CREATE TABLE public.ref (id int PRIMARY KEY);
CREATE TABLE public.m (id int NOT NULL, k int NOT NULL, r int) PARTITION BY HASH (k);
CREATE TABLE public.m0 PARTITION OF public.m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE public.m ADD CONSTRAINT m_pkey PRIMARY KEY (id, k), ADD CONSTRAINT to_ref FOREIGN KEY (r) REFERENCES public.ref ON DELETE CASCADE;
ALTER TABLE public.m1 ADD CONSTRAINT only_m1 CHECK (id > 0), ADD CONSTRAINT m1_r UNIQUE (r);
CREATE TABLE public.c (m int, k int, CONSTRAINT to_m FOREIGN KEY (m, k) REFERENCES public.m);
