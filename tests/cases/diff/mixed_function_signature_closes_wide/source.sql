-- a function that a domain's check, a generated column, an index, an operator and a view use gets another argument name
CREATE FUNCTION public.ok(val text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT val <> '' $$;
CREATE DOMAIN public.filled AS text CHECK (public.ok(VALUE));
CREATE TABLE public.t (id int PRIMARY KEY, a public.filled, b text, g boolean GENERATED ALWAYS AS (public.ok(b)) STORED, CONSTRAINT c CHECK (public.ok(b)));
CREATE INDEX t_ok ON public.t (public.ok(b));
CREATE OPERATOR public.?! (RIGHTARG = text, FUNCTION = public.ok);
CREATE VIEW public.v AS SELECT id FROM public.t WHERE OPERATOR(public.?!) b;
