-- a schema with tables, types, functions and views goes; a view elsewhere used them and stays in another form
CREATE TABLE public.person (id int PRIMARY KEY, mood text);
CREATE VIEW public.people AS SELECT p.id, p.mood FROM public.person p;
