CREATE TYPE public.unit AS ENUM ('kg', 'g', 'lb');
CREATE TABLE public.item (id int PRIMARY KEY, u public.unit NOT NULL);
CREATE FUNCTION public.usual() RETURNS public.unit LANGUAGE sql IMMUTABLE AS $$ SELECT 'kg'::public.unit $$;
CREATE FUNCTION public.factor(u public.unit) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT CASE u WHEN 'kg' THEN 1000 ELSE 1 END $$;
CREATE TABLE public.weight (item int REFERENCES public.item, n numeric, u public.unit DEFAULT public.usual(), grams numeric GENERATED ALWAYS AS (n * public.factor(u)) STORED);
CREATE VIEW public.items AS SELECT id, u, public.factor(u) AS factor FROM public.item;
CREATE MATERIALIZED VIEW public.units AS SELECT u, count(*) AS n FROM public.items GROUP BY u;
CREATE UNIQUE INDEX units_u ON public.units (u);
CREATE FUNCTION public.first_item() RETURNS public.items LANGUAGE sql STABLE AS 'SELECT * FROM public.items LIMIT 1';
CREATE FUNCTION public.chk() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER chk BEFORE INSERT ON public.weight FOR EACH ROW WHEN (NEW.u = 'kg'::public.unit) EXECUTE FUNCTION public.chk();
CREATE POLICY light ON public.weight USING (u < 'kg'::public.unit);
CREATE INDEX weight_u ON public.weight (public.factor(u)) WHERE u = 'g';
GRANT SELECT ON public.items, public.units TO dbsync_case_reader;
COMMENT ON FUNCTION public.factor(public.unit) IS 'to grams';

INSERT INTO public.item VALUES (1, 'kg'), (2, 'g'); INSERT INTO public.weight (item, n) VALUES (1, 2.5);
