-- an attribute's type changes in a type that a table stores: Postgres has no ALTER for it
CREATE TYPE public.dims AS (w bigint, h int);
CREATE TABLE public.box (id int PRIMARY KEY, d public.dims);
