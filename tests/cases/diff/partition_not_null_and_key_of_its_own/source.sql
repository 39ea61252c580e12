-- partitions that say NOT NULL and a key themselves, beside what their parent says
CREATE TABLE public.log (day date NOT NULL, id int NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE public.log_1 PARTITION OF public.log (note NOT NULL, PRIMARY KEY (id)) FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE public.log_2 PARTITION OF public.log (day NOT NULL, PRIMARY KEY (day, id)) FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
