-- rules come, go, change and are disabled
CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE TABLE public.log (id int, what text);
CREATE RULE changes AS ON INSERT TO public.t WHERE NEW.a > 5 DO ALSO INSERT INTO public.log VALUES (NEW.id, 'it''s %d');
CREATE RULE state AS ON DELETE TO public.t DO ALSO INSERT INTO public.log VALUES (OLD.id, 'del');
CREATE RULE "Two Steps" AS ON UPDATE TO public.log DO INSTEAD (SELECT 1; DELETE FROM public.t WHERE id = OLD.id);
ALTER TABLE public.t DISABLE RULE state;
COMMENT ON RULE changes ON public.t IS 'logs';
