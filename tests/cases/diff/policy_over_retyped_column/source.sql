-- a policy and a policy's subquery read columns whose types change
CREATE TABLE public.team (id bigint PRIMARY KEY, lead varchar(63));
CREATE TABLE public.doc (id int PRIMARY KEY, team bigint REFERENCES public.team, level int);
ALTER TABLE public.doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON public.doc FOR ALL TO dbsync_case_reader USING (team IN (SELECT t.id FROM public.team t WHERE t.lead = current_user)) WITH CHECK (level < 5);
COMMENT ON POLICY members ON public.doc IS 'team members';
