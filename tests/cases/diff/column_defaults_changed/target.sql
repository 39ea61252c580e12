CREATE FUNCTION public.old_default() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE SEQUENCE public.old_seq;
CREATE TABLE public.t (id int PRIMARY KEY DEFAULT nextval('public.old_seq'), a int DEFAULT public.old_default(), b text, c text DEFAULT 'a', d timestamptz DEFAULT now());

INSERT INTO public.t (id, b) VALUES (100, 'b');
