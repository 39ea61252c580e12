CREATE TABLE public.t (id int NOT NULL, n text NOT NULL);
CREATE TABLE public.archive (LIKE public.t);
CREATE TABLE public.u (id int NOT NULL, k int NOT NULL) PARTITION BY LIST (k);
CREATE TABLE public.u1 PARTITION OF public.u FOR VALUES IN (1);
CREATE TABLE public.before_u (LIKE public.u);
INSERT INTO public.archive VALUES (1, 'a');
