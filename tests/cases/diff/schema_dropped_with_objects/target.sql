CREATE TABLE public.person (id int PRIMARY KEY, mood text);
CREATE SCHEMA old;
CREATE TYPE old.level AS ENUM ('low', 'high');
CREATE TABLE old.log (id int PRIMARY KEY, person int REFERENCES public.person, level old.level DEFAULT 'low');
CREATE FUNCTION old.last_of(p int) RETURNS old.level LANGUAGE sql STABLE AS 'SELECT level FROM old.log WHERE person = p ORDER BY id DESC LIMIT 1';
CREATE VIEW old.recent AS SELECT * FROM old.log;
CREATE VIEW public.people AS SELECT p.id, p.mood, old.last_of(p.id) AS level FROM public.person p;

INSERT INTO public.person VALUES (1, 'fine'); INSERT INTO old.log VALUES (1, 1, 'high');
