-- a child of two parents; parents get and lose columns, defaults differ in the child
CREATE TABLE public.a (id bigint, x text DEFAULT 'A', came int CHECK (came > 0));
CREATE TABLE public.b (id bigint, y text NOT NULL);
CREATE TABLE public.ab (own int, x text DEFAULT 'child') INHERITS (public.a, public.b);
CREATE TABLE public.abc (deep int) INHERITS (public.ab);
COMMENT ON COLUMN public.ab.x IS 'own default';
