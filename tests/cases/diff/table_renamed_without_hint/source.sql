-- the same without a hint: a drop and a create, said so, and the rows of the old one are gone
CREATE TABLE public.customer (id int PRIMARY KEY, nm text);
CREATE TABLE public.stays (id int PRIMARY KEY, c int REFERENCES public.customer);
