CREATE TABLE public.t (id int NOT NULL, d date NOT NULL, CONSTRAINT t_pkey PRIMARY KEY (id, d));
CREATE VIEW public.v AS SELECT id FROM public.t;
