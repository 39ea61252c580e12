CREATE TABLE public.log (day date NOT NULL, id int, note text NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE public.log_1 PARTITION OF public.log (day NOT NULL, note NOT NULL) FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE public.log_2 PARTITION OF public.log (PRIMARY KEY (id)) FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');

INSERT INTO public.log VALUES ('2024-05-05', 1, 'a'), ('2025-05-05', 2, 'b');
