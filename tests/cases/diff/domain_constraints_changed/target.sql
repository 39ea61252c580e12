CREATE DOMAIN public.email AS text DEFAULT 'none' CONSTRAINT has_at CHECK (VALUE LIKE '%@%') CONSTRAINT short CHECK (length(VALUE) < 100);
CREATE TABLE public.u (id int PRIMARY KEY, e public.email, es public.email[]);

INSERT INTO public.u VALUES (1, 'a@b', '{a@c}');
