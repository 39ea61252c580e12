CREATE FUNCTION public.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE public.parent (k int, v int) PARTITION BY LIST (k);
CREATE TRIGGER touch BEFORE UPDATE ON public.parent FOR EACH ROW EXECUTE FUNCTION public.touched();
CREATE INDEX parent_v ON public.parent (v);
CREATE TABLE public.child (k int, v int);
CREATE TRIGGER touch BEFORE UPDATE ON public.child FOR EACH ROW EXECUTE FUNCTION public.touched();
CREATE INDEX own_v ON public.child (v);

INSERT INTO public.child VALUES (1, 1);
