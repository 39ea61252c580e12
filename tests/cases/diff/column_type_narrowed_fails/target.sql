CREATE TABLE public.t (id bigint PRIMARY KEY, v varchar(50));

INSERT INTO public.t VALUES (1, 'abc'), (5000000000, 'abcdef');
