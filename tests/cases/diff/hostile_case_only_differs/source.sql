-- names that differ in case only are different objects
CREATE TABLE public.t (id int PRIMARY KEY, "A" bigint, a int);
CREATE TABLE public."T" (id int PRIMARY KEY, "ID" int);
CREATE INDEX t_a ON public.t ("A");
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public."F"() RETURNS int LANGUAGE sql AS 'SELECT 2';
