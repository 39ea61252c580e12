-- LIKE copies the names of NOT NULL: a dump makes the copy first, and the original gets other names from it
CREATE TABLE public.t (id int NOT NULL, n text NOT NULL, m int);
CREATE TABLE public.archive (LIKE public.t);
CREATE TABLE public.u (id int NOT NULL, k int NOT NULL) PARTITION BY LIST (k);
CREATE TABLE public.u1 PARTITION OF public.u FOR VALUES IN (1);
CREATE TABLE public.before_u (LIKE public.u);
CREATE TABLE public.before_t (LIKE public.t);
