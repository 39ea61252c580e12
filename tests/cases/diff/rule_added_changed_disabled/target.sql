CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE TABLE public.log (id int, what text);
CREATE RULE gone AS ON UPDATE TO public.t WHERE NEW.a < 0 DO INSTEAD NOTHING;
CREATE RULE changes AS ON INSERT TO public.t DO ALSO INSERT INTO public.log VALUES (NEW.id, 'ins');
CREATE RULE state AS ON DELETE TO public.t DO ALSO INSERT INTO public.log VALUES (OLD.id, 'del');
