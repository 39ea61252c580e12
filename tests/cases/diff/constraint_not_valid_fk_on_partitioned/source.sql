-- a NOT VALID foreign key of a partitioned table, over rows that break it
CREATE TABLE public.r (id int PRIMARY KEY);
CREATE TABLE public.m (id int, r int) PARTITION BY RANGE (id);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0) TO (10);
ALTER TABLE public.m ADD CONSTRAINT m_r FOREIGN KEY (r) REFERENCES public.r NOT VALID;
