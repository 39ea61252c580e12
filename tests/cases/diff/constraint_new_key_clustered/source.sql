-- new tables with keys that are more than their definition: clustered, replica identity, a comment on the index
CREATE TABLE public.a (id int PRIMARY KEY, v int NOT NULL, CONSTRAINT one UNIQUE (v));
ALTER TABLE public.a CLUSTER ON a_pkey;
ALTER TABLE public.a REPLICA IDENTITY USING INDEX one;
COMMENT ON INDEX public.one IS 'of a key';
CREATE TABLE public.b (id int PRIMARY KEY REFERENCES public.a, t text);
ALTER TABLE public.b CLUSTER ON b_pkey;
CREATE VIEW public.v AS SELECT a.id, a.v, count(*) AS n FROM public.a GROUP BY a.id;
