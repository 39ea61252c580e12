CREATE TABLE public.a (id int, x text DEFAULT 'a', gone int);
CREATE TABLE public.b (id int, y text);
CREATE TABLE public.ab (own int) INHERITS (public.a, public.b);
CREATE TABLE public.abc (deep int) INHERITS (public.ab);

INSERT INTO public.abc VALUES (1, 'x', 2, 'y', 3, 4);
