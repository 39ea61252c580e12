-- a plain table becomes a partition, a partition becomes a plain table
CREATE TABLE public.m (id int NOT NULL, d date NOT NULL, v text) PARTITION BY RANGE (d);
CREATE TABLE public.m_2020 (id int NOT NULL, d date NOT NULL, v text);
CREATE TABLE public.m_2021 PARTITION OF public.m FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
