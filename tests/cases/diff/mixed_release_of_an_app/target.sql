CREATE TYPE public.role_kind AS ENUM ('admin', 'user');
CREATE TABLE public.account (id serial PRIMARY KEY, email varchar(50) NOT NULL, role public.role_kind DEFAULT 'user', street text, city text, created timestamp DEFAULT now());
CREATE UNIQUE INDEX account_email ON public.account (email);
CREATE TABLE public.invoice (id serial PRIMARY KEY, account int NOT NULL REFERENCES public.account, total real, paid boolean DEFAULT false);
CREATE VIEW public.account_list AS SELECT id, email, city FROM public.account;
CREATE VIEW public.unpaid AS SELECT i.id, a.email, i.total FROM public.invoice i JOIN public.account_list a ON a.id = i.account WHERE NOT i.paid;
CREATE FUNCTION public.total_of(a int) RETURNS real LANGUAGE sql STABLE AS 'SELECT sum(total) FROM public.invoice WHERE account = a';
GRANT SELECT ON public.unpaid TO dbsync_case_reader;

INSERT INTO public.account (email, role) VALUES ('a@b', 'user'), ('c@d', 'admin'); INSERT INTO public.invoice (account, total) VALUES (1, 10.5), (2, 3);
