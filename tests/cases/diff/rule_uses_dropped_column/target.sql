CREATE TABLE public.old_log (id int);
CREATE TABLE public.t (id int PRIMARY KEY, a int, gone int);
CREATE RULE r AS ON UPDATE TO public.t DO ALSO INSERT INTO public.old_log VALUES (NEW.gone);

INSERT INTO public.t VALUES (1, 1, 1);
