-- a trigger's function becomes another one, the old goes; the body of a shared one changes
CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE FUNCTION public.new_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION public.shared() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := 1; RETURN NEW; END';
CREATE TRIGGER a BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.new_f('arg''1', '2');
CREATE TRIGGER b BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.shared();
