-- a domain goes, its columns keep their values
CREATE TABLE public.t (id int PRIMARY KEY, amount numeric(10,2) NOT NULL DEFAULT 0, CONSTRAINT positive CHECK (amount >= 0));
CREATE VIEW public.total AS SELECT sum(amount) AS total FROM public.t;
