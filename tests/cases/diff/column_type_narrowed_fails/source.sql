-- narrowing where a row does not fit: the check must find it
CREATE TABLE public.t (id int PRIMARY KEY, v varchar(3));
