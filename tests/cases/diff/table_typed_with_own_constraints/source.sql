-- a new table of a type has keys, defaults, checks and NOT NULL of its own
CREATE TYPE public.dims AS (unit text, "w h" numeric, d int);
CREATE TABLE public.box OF public.dims (unit WITH OPTIONS NOT NULL DEFAULT 'cm', "w h" WITH OPTIONS CONSTRAINT wide CHECK ("w h" > 0), PRIMARY KEY (d));
CREATE TABLE public.plain OF public.dims;
ALTER TABLE public.box ALTER unit SET STORAGE EXTERNAL;
