-- a new child has its parent's columns, but neither their compression nor their storage
CREATE TABLE public.p (id int, t text, u text);
CREATE TABLE public.c (own int) INHERITS (public.p);
ALTER TABLE public.p ALTER t SET COMPRESSION pglz;
ALTER TABLE ONLY public.p ALTER u SET STORAGE EXTERNAL;
