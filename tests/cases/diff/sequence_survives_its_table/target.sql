CREATE TABLE public.old (id serial PRIMARY KEY);
CREATE TABLE public.new (id int NOT NULL PRIMARY KEY);

INSERT INTO public.old DEFAULT VALUES; INSERT INTO public.new VALUES (10);
