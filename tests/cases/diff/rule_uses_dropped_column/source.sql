-- a rule reads a column that goes, and a table that goes
CREATE TABLE public.new_log (id int);
CREATE TABLE public.t (id int PRIMARY KEY, a bigint);
CREATE RULE r AS ON UPDATE TO public.t DO ALSO INSERT INTO public.new_log VALUES (NEW.a);
