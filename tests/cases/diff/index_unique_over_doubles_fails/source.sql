-- a unique index over an expression and some of the rows, two of which are the same to it
CREATE TABLE public.member (id int PRIMARY KEY, mail text, gone boolean NOT NULL);
CREATE UNIQUE INDEX member_mail ON public.member (lower(mail)) WHERE NOT gone;
