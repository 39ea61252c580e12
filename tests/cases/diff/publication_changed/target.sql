CREATE TABLE public.a (id int PRIMARY KEY, v text);
CREATE TABLE public.b (id int PRIMARY KEY, v text);
CREATE PUBLICATION p1 FOR TABLE public.a;
CREATE PUBLICATION p2 FOR TABLE public.a, public.b WITH (publish = 'insert');
CREATE PUBLICATION gone FOR ALL TABLES;
