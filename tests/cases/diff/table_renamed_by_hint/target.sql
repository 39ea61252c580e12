CREATE TABLE public.cust (id serial PRIMARY KEY, nm text NOT NULL UNIQUE);
CREATE TABLE public.ord (id int PRIMARY KEY, c int REFERENCES public.cust);
CREATE VIEW public.names AS SELECT nm FROM public.cust;

INSERT INTO public.cust (nm) VALUES ('a'), ('b'); INSERT INTO public.ord VALUES (1, 2);
