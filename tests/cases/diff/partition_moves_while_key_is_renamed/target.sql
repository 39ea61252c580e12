CREATE TABLE public.ref (id int, n int, CONSTRAINT ref_pkey PRIMARY KEY (id));
CREATE TABLE public.old_name (id int, k int, CONSTRAINT fk FOREIGN KEY (id) REFERENCES public.ref) PARTITION BY LIST (k);
CREATE TABLE public.a PARTITION OF public.old_name FOR VALUES IN (1);
INSERT INTO public.ref VALUES (1); INSERT INTO public.a VALUES (1, 1);
