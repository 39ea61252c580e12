CREATE TABLE public.t (id int, a text, b text NOT NULL, CONSTRAINT t_pkey PRIMARY KEY (id));

INSERT INTO public.t VALUES (1, 'a', 'b');
