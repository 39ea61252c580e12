-- a new child repeats in its own list columns of its parent that change their type, go and come at the same time
CREATE TABLE public.p (id bigint, gone_and_back date, fresh text DEFAULT 'x');
CREATE TABLE public.c (id bigint, gone_and_back date, fresh text, own int);
ALTER TABLE public.c INHERIT public.p;
CREATE TABLE public.d (own int) INHERITS (public.p);
