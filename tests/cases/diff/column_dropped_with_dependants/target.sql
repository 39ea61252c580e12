CREATE FUNCTION public.trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE public.t (id int PRIMARY KEY, x int, y int, g int GENERATED ALWAYS AS (x + 1) STORED, CONSTRAINT xy CHECK (x < y));
CREATE INDEX t_x_y ON public.t (x, y);
CREATE INDEX t_y ON public.t (y) WHERE x > 0;
CREATE VIEW public.v AS SELECT id, x, y FROM public.t;
CREATE STATISTICS public.st ON x, y FROM public.t;
CREATE POLICY p ON public.t USING (x > 0);
CREATE TRIGGER trg BEFORE UPDATE OF x ON public.t FOR EACH ROW WHEN (OLD.x IS DISTINCT FROM NEW.x) EXECUTE FUNCTION public.trg();
CREATE RULE r AS ON DELETE TO public.t WHERE OLD.x > 5 DO INSTEAD NOTHING;

INSERT INTO public.t (id, x, y) VALUES (1, 2, 3);
