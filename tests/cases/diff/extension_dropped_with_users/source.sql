-- an extension goes after everything that used it
CREATE TABLE public.account (id int PRIMARY KEY, email text UNIQUE, backup text[]);
CREATE FUNCTION public.find(e text) RETURNS int LANGUAGE sql STABLE AS 'SELECT id FROM public.account WHERE email = e';
CREATE VIEW public.mails AS SELECT email FROM public.account;
