-- checks added, dropped, changed, renamed, NO INHERIT, NOT VALID and validated
CREATE TABLE public.t (a int, b text, CONSTRAINT changes CHECK (a < 1000 AND b LIKE '%''%'), CONSTRAINT was_inherit CHECK (b <> '') NO INHERIT, CONSTRAINT new_name CHECK (a <> 50));
ALTER TABLE public.t ADD CONSTRAINT was_not_valid CHECK (a <> 13);
ALTER TABLE public.t ADD CONSTRAINT was_valid CHECK (a <> 14) NOT VALID;
COMMENT ON CONSTRAINT changes ON public.t IS '%s';
