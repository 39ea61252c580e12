CREATE EXTENSION citext;
CREATE TABLE public.account (id int PRIMARY KEY, email citext UNIQUE, backup citext[]);
CREATE FUNCTION public.find(e citext) RETURNS int LANGUAGE sql STABLE AS 'SELECT id FROM public.account WHERE email = e';
CREATE VIEW public.mails AS SELECT email FROM public.account;

INSERT INTO public.account VALUES (1, 'A@b.c', '{x,y}');
