-- a table OF a type
CREATE TYPE public.row_type AS (id int, name text);
CREATE TABLE public.t OF public.row_type (PRIMARY KEY (id));
