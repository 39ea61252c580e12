CREATE TABLE public.t (a int, b text, CONSTRAINT gone CHECK (a > 0), CONSTRAINT changes CHECK (a < 100), CONSTRAINT was_inherit CHECK (b <> ''), CONSTRAINT old_name CHECK (a <> 50));
ALTER TABLE public.t ADD CONSTRAINT was_not_valid CHECK (a <> 13) NOT VALID;
ALTER TABLE public.t ADD CONSTRAINT was_valid CHECK (a <> 14);

INSERT INTO public.t VALUES (1, 'it''s');
