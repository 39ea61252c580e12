-- views made with a star over a table and over each other, when the table gets columns in the middle
CREATE TABLE public.t (id int PRIMARY KEY, m int, z text);
CREATE VIEW public.v AS SELECT * FROM public.t;
CREATE VIEW public.w AS SELECT v.*, 1 AS one FROM public.v;
