-- a column comes with a default that one partition and one child do not have, and another has its own
CREATE TABLE public.p (id int, k text, v int DEFAULT 1) PARTITION BY LIST (k);
CREATE TABLE public.a PARTITION OF public.p FOR VALUES IN ('a');
CREATE TABLE public.b PARTITION OF public.p FOR VALUES IN ('b');
ALTER TABLE public.a ALTER v DROP DEFAULT;
ALTER TABLE public.b ALTER v SET DEFAULT 2;
CREATE TABLE public.q (id int, v int DEFAULT 1);
CREATE TABLE public.c () INHERITS (public.q);
ALTER TABLE public.c ALTER v DROP DEFAULT;
