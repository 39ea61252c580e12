-- a table and a column get other names; index, sequence and constraint names stay as they were
CREATE TABLE public.cust (id serial PRIMARY KEY, nm text NOT NULL UNIQUE);
CREATE TABLE public.ord (id int PRIMARY KEY, c int REFERENCES public.cust);
CREATE VIEW public.names AS SELECT nm FROM public.cust;
ALTER TABLE public.cust RENAME nm TO name;
ALTER TABLE public.cust RENAME TO customer;
