CREATE TABLE public.a (id int PRIMARY KEY, owner name DEFAULT current_user);
CREATE TABLE public.b (id int PRIMARY KEY, a int);
CREATE TABLE public.c (id int PRIMARY KEY);
ALTER TABLE public.a ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.b ENABLE ROW LEVEL SECURITY; ALTER TABLE public.b FORCE ROW LEVEL SECURITY;
CREATE POLICY p1 ON public.a USING (owner = current_user);
CREATE POLICY p2 ON public.a FOR SELECT TO dbsync_case_reader USING (true);
CREATE POLICY p3 ON public.a AS RESTRICTIVE USING (id > 0);
CREATE POLICY p4 ON public.a FOR INSERT WITH CHECK (id > 0);
CREATE POLICY gone ON public.b USING (true);

INSERT INTO public.a VALUES (1); INSERT INTO public.b VALUES (1, 1);
