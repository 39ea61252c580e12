-- a dropped column takes part in an index, a check, a view, a generated column, a policy, a trigger and statistics
CREATE FUNCTION public.trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE public.t (id int PRIMARY KEY, y int, CONSTRAINT xy CHECK (y > 0));
CREATE INDEX t_y ON public.t (y);
CREATE VIEW public.v AS SELECT id, y FROM public.t;
CREATE POLICY p ON public.t USING (y > 0);
CREATE TRIGGER trg BEFORE UPDATE OF y ON public.t FOR EACH ROW EXECUTE FUNCTION public.trg();
