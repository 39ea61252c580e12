CREATE TABLE public.a (id serial PRIMARY KEY, v text);
CREATE TABLE public.b (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
CREATE VIEW public.va AS SELECT id FROM public.a;

INSERT INTO public.a (v) VALUES ('x'), ('y'), ('z'); INSERT INTO public.b (v) VALUES ('x'), ('y');
