CREATE TABLE public.member (id int PRIMARY KEY, grp int);
CREATE VIEW public.members AS SELECT id, grp FROM public.member WHERE grp > 0;
CREATE TABLE public.doc (id int PRIMARY KEY, owner int);
ALTER TABLE public.doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.doc USING (EXISTS (SELECT FROM public.members m WHERE m.id = doc.owner));
CREATE FUNCTION public.member_count() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM public.members; END;
CREATE MATERIALIZED VIEW public.mv AS SELECT public.member_count() AS n;

INSERT INTO public.member VALUES (1, 1); INSERT INTO public.doc VALUES (1, 1);
