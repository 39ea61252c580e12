CREATE TABLE public.t (id int PRIMARY KEY, v text DEFAULT 'unknown', w varchar(5) DEFAULT 'abc', n numeric(10,2) DEFAULT 1.00);

INSERT INTO public.t VALUES (1, '5', 'abc', 2.5);
