-- a new child has its parent's columns, but neither their compression nor their storage
CREATE TABLE public.p (id int, t text, u text);
CREATE TABLE public.c (own int) INHERITS (public.p);
ALTER TABLE public.p ALTER t SET COMPRESSION pglz;
ALTER TABLE ONLY public.p ALTER u SET STORAGE EXTERNAL;
-- columns of its own list are merged with the parent's in the same way
CREATE TABLE public.d (t text, u text, own int) INHERITS (public.p);
ALTER TABLE public.d ALTER t SET COMPRESSION default;
ALTER TABLE public.d ALTER u SET STORAGE EXTENDED;
