-- a table joins parents with two equal indexes each, tied crosswise to their names
CREATE TABLE public.p (id int NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO public.p VALUES (1, '2020-02-02');
CREATE INDEX one ON ONLY public.p (at);
CREATE INDEX another ON ONLY public.p (at);
CREATE TABLE public.p2 (LIKE public.p);
ALTER TABLE public.p ATTACH PARTITION public.p2 FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE TABLE public.p3 (LIKE public.p);
CREATE INDEX a ON public.p3 (at);
CREATE INDEX b ON public.p3 (at);
ALTER TABLE public.p ATTACH PARTITION public.p3 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
