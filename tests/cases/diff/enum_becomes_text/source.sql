-- the enum goes, its column is text from now on; and another text becomes an enum
CREATE TYPE public.came AS ENUM ('x', 'y');
CREATE TABLE public.t (id int PRIMARY KEY, was_enum text DEFAULT 'a', was_text public.came DEFAULT 'x');
CREATE VIEW public.v AS SELECT was_enum, was_text FROM public.t;
