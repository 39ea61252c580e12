-- labels that end a literal when they are not doubled
CREATE TYPE public.e AS ENUM ('x''); drop table foo; --', 'plain', 'back\slash', '%s %(a)s {0}', ':colon', '$$', 'ünï ☃', '', ' lead', 'O''Brien');
CREATE TABLE public.foo (id int PRIMARY KEY, v public.e DEFAULT 'x''); drop table foo; --');
