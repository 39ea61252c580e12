-- objects of different kinds exchange their names
CREATE VIEW public.a AS SELECT 1 AS id;
CREATE TABLE public.b (id int);
CREATE INDEX c ON public.b (id);
CREATE SEQUENCE public.d;
CREATE TYPE public.e AS ENUM ('x');
CREATE TABLE public.f (x int);
CREATE PROCEDURE public.g() LANGUAGE sql AS 'SELECT 1';
