CREATE TYPE public."e';--" AS ENUM ('a', 'b');
CREATE TABLE public."t""; drop table foo; --" ("; select 1 --" int PRIMARY KEY, "%s" varchar(5) DEFAULT '%s', "select" public."e';--");
CREATE TABLE public.foo (id int);
CREATE VIEW public."v%" AS SELECT "; select 1 --", "%s" FROM public."t""; drop table foo; --";

INSERT INTO public."t""; drop table foo; --" VALUES (1, 'x', 'a'); INSERT INTO public.foo VALUES (1);
