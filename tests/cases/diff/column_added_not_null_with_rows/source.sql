-- NOT NULL without a default on a filled table: a default fills it, another column must fail
CREATE TABLE public.t (id int PRIMARY KEY, must text NOT NULL);
