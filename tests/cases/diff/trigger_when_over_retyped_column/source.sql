-- triggers with WHEN and UPDATE OF over a column whose type changes, one disabled
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE public.t (id int PRIMARY KEY, a numeric(10,1));
CREATE TRIGGER w BEFORE UPDATE ON public.t FOR EACH ROW WHEN (NEW.a > OLD.a) EXECUTE FUNCTION public.f();
CREATE TRIGGER c BEFORE UPDATE OF a ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();
ALTER TABLE public.t DISABLE TRIGGER c;
COMMENT ON TRIGGER w ON public.t IS 'grows';
