-- a plain table becomes a partitioned one: rows cannot stay without a copy
CREATE TABLE public.t (id int NOT NULL, d date NOT NULL, CONSTRAINT t_pkey PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE public.t_all PARTITION OF public.t DEFAULT;
CREATE VIEW public.v AS SELECT id FROM public.t;
