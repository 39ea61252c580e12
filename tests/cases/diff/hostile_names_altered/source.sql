-- objects with hostile names are altered in place and re-created
CREATE TYPE public."e';--" AS ENUM ('a', 'x''); drop table foo; --', 'b');
CREATE TABLE public."t""; drop table foo; --" ("; select 1 --" bigint PRIMARY KEY, "%s" text DEFAULT '%d''; drop table foo; --', "select" public."e';--" NOT NULL, "new $$ col" int DEFAULT 5);
CREATE TABLE public.foo (id int);
CREATE VIEW public."v%" AS SELECT "; select 1 --", "%s" FROM public."t""; drop table foo; --";
COMMENT ON TABLE public."t""; drop table foo; --" IS '$$; drop table foo; $$';
COMMENT ON COLUMN public."t""; drop table foo; --"."%s" IS '''';
