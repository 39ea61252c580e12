-- a rebuilt type with labels that end a literal
CREATE TYPE public."Odd ""type""" AS ENUM ('x''); drop table foo; --', 'a"b');
CREATE TABLE public.foo (id int PRIMARY KEY, v public."Odd ""type""" DEFAULT 'x''); drop table foo; --', w public."Odd ""type"""[]);
