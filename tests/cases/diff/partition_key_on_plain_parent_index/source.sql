-- keys of partitions that hang on an index of their parent which is no key
CREATE TABLE public.p (k int NOT NULL, v int NOT NULL) PARTITION BY LIST (k);
CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES IN (1);
CREATE UNIQUE INDEX p_both ON ONLY public.p (k, v);
ALTER TABLE public.p1 ADD CONSTRAINT p1_key PRIMARY KEY (k, v);
ALTER INDEX public.p_both ATTACH PARTITION public.p1_key;
