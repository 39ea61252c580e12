-- policies come, go, change their command, roles, expressions, permissiveness; RLS and FORCE flags flip
CREATE TABLE public.a (id int PRIMARY KEY, owner name DEFAULT current_user);
CREATE TABLE public.b (id int PRIMARY KEY, a int);
CREATE TABLE public.c (id int PRIMARY KEY);
ALTER TABLE public.a ENABLE ROW LEVEL SECURITY; ALTER TABLE public.a FORCE ROW LEVEL SECURITY;
ALTER TABLE public.c FORCE ROW LEVEL SECURITY;
CREATE POLICY p1 ON public.a USING (owner = session_user) WITH CHECK (owner <> '');
CREATE POLICY p2 ON public.a FOR UPDATE TO dbsync_case_reader, dbsync_case_writer USING (true) WITH CHECK (id < 5);
CREATE POLICY p3 ON public.a USING (id > 0);
CREATE POLICY p4 ON public.a FOR INSERT TO dbsync_case_writer WITH CHECK (id > 0);
CREATE POLICY "new; drop table a" ON public.b USING (EXISTS (SELECT 1 FROM public.a WHERE a.id = b.a AND a.owner LIKE '%''%'));
COMMENT ON POLICY p1 ON public.a IS 'mine';
