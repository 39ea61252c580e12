-- a child changes its parent; a check moves from the child to the parent
CREATE TABLE public.p1 (id int);
CREATE TABLE public.p2 (id int, CONSTRAINT up CHECK (id < 9));
CREATE TABLE public.c (id int, v int, CONSTRAINT chk CHECK (id > 0), CONSTRAINT up CHECK (id < 9));
ALTER TABLE public.c INHERIT public.p2;
CREATE TABLE public.d (v int) INHERITS (public.p2);
