CREATE TABLE public.ref (id int PRIMARY KEY);
CREATE TABLE public.p (id int, k text, CONSTRAINT positive CHECK (id > 0), CONSTRAINT fk FOREIGN KEY (id) REFERENCES public.ref) PARTITION BY LIST (k);
CREATE TABLE public.a PARTITION OF public.p FOR VALUES IN ('a');
CREATE TABLE public.b PARTITION OF public.p FOR VALUES IN ('b');
INSERT INTO public.ref VALUES (2); INSERT INTO public.p VALUES (2, 'a'), (2, 'b');
