CREATE TABLE public.team (id int PRIMARY KEY, lead text);
CREATE TABLE public.doc (id int PRIMARY KEY, team int REFERENCES public.team, level smallint);
ALTER TABLE public.doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON public.doc FOR ALL TO dbsync_case_reader USING (team IN (SELECT t.id FROM public.team t WHERE t.lead = current_user)) WITH CHECK (level < 5);
COMMENT ON POLICY members ON public.doc IS 'team members';

INSERT INTO public.team VALUES (1, 'x'); INSERT INTO public.doc VALUES (1, 1, 2);
