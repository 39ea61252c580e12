CREATE TYPE public."Odd ""type""" AS ENUM ('x''); drop table foo; --', 'gone', 'a"b');
CREATE TABLE public.foo (id int PRIMARY KEY, v public."Odd ""type""" DEFAULT 'x''); drop table foo; --', w public."Odd ""type"""[]);

INSERT INTO public.foo (id, w) VALUES (1, ARRAY['a"b']::public."Odd ""type"""[]);
