CREATE DOMAIN public.money_amount AS numeric(10,2) CHECK (VALUE >= 0) DEFAULT 0;
CREATE TABLE public.t (id int PRIMARY KEY, amount public.money_amount NOT NULL);
CREATE VIEW public.total AS SELECT sum(amount) AS total FROM public.t;

INSERT INTO public.t VALUES (1, 3.5);
