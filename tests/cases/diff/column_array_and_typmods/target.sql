CREATE TABLE public.t (id int PRIMARY KEY, a int, b numeric, c timestamp(0), d interval, e bit(3), f char(10), g text[]);
