-- another key, a key renamed, a key with INCLUDE, and a foreign key to it
CREATE TABLE public.a (id int, code text NOT NULL, CONSTRAINT a_pkey PRIMARY KEY (id, code), CONSTRAINT a_id UNIQUE (id));
CREATE TABLE public.b (id int, v text, CONSTRAINT b_pkey PRIMARY KEY (id) INCLUDE (v) DEFERRABLE);
CREATE TABLE public.c (a int CONSTRAINT c_a REFERENCES public.a (id));
