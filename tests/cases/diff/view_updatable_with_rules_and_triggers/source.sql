-- a view with an INSTEAD OF trigger, a rule, grants and a comment is re-created
CREATE FUNCTION public.ins() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.t VALUES (NEW.id, NEW.a); RETURN NEW; END';
CREATE TABLE public.t (id int PRIMARY KEY, a numeric);
CREATE VIEW public.v AS SELECT id, a FROM public.t;
CREATE TRIGGER ins INSTEAD OF INSERT ON public.v FOR EACH ROW EXECUTE FUNCTION public.ins();
CREATE RULE no_delete AS ON DELETE TO public.v DO INSTEAD NOTHING;
COMMENT ON TRIGGER ins ON public.v IS 'writes to t';
COMMENT ON RULE no_delete ON public.v IS 'never';
GRANT INSERT, SELECT ON public.v TO dbsync_case_writer WITH GRANT OPTION;
