CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE public.ref (id int PRIMARY KEY);
CREATE TABLE public.m (id int NOT NULL, d date NOT NULL, r int REFERENCES public.ref, PRIMARY KEY (id, d), CONSTRAINT pos CHECK (id > 0)) PARTITION BY RANGE (d);
CREATE INDEX m_r ON public.m (r);
CREATE TRIGGER f BEFORE INSERT ON public.m FOR EACH ROW EXECUTE FUNCTION public.f();
CREATE TABLE public.part (r int, id int NOT NULL, d date NOT NULL, CONSTRAINT pos CHECK (id > 0));
CREATE INDEX part_r ON public.part (r);

INSERT INTO public.ref VALUES (1); INSERT INTO public.part VALUES (1, 1, '2020-02-02');
