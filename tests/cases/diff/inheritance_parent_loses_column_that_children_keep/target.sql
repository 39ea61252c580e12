CREATE TABLE public.base (id int, note text, kind text);
CREATE TABLE public.keeps () INHERITS (public.base);
CREATE TABLE public.loses () INHERITS (public.base);
CREATE TABLE public.deep () INHERITS (public.loses);

INSERT INTO public.keeps VALUES (1, 'a', 'x');
INSERT INTO public.deep VALUES (2, 'b', 'y');
