CREATE TABLE public.was_empty ();
CREATE TABLE public.gets_empty (a int, b text);

INSERT INTO public.was_empty DEFAULT VALUES; INSERT INTO public.gets_empty VALUES (1, 'x');
