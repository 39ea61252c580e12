CREATE TABLE public.customer (id int PRIMARY KEY, name text NOT NULL);

INSERT INTO public.customer VALUES (1, 'a'), (2, 'b');
