CREATE TABLE public.m (id int NOT NULL, d date NOT NULL, v text) PARTITION BY RANGE (d);
CREATE TABLE public.m_2020 PARTITION OF public.m FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE public.m_2021 (id int NOT NULL, d date NOT NULL, v text);

INSERT INTO public.m VALUES (1, '2020-05-05', 'a'); INSERT INTO public.m_2021 VALUES (2, '2021-05-05', 'b');
