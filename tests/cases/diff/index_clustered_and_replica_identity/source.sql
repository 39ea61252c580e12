-- CLUSTER marks and replica identity by index, to other indexes and away
CREATE TABLE public.a (x int NOT NULL, y int NOT NULL);
CREATE UNIQUE INDEX ax ON public.a (x) INCLUDE (y);
CREATE UNIQUE INDEX ay ON public.a (y);
ALTER TABLE public.a CLUSTER ON ay;
ALTER TABLE public.a REPLICA IDENTITY USING INDEX ay;
CREATE TABLE public.b (x int PRIMARY KEY);
ALTER TABLE public.b REPLICA IDENTITY NOTHING;
CREATE TABLE public.c (x int PRIMARY KEY);
