-- NOT NULL on a column that holds nulls
CREATE TABLE public.t (id int PRIMARY KEY, a text NOT NULL);
CREATE TABLE public.other (id bigint);
