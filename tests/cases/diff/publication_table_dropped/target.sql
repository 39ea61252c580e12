CREATE TABLE public.old_t (id int PRIMARY KEY);
CREATE PUBLICATION p FOR TABLE public.old_t;
