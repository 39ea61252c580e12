CREATE TABLE public."Old ""t""" (id int PRIMARY KEY, "a.b" text);

INSERT INTO public."Old ""t""" VALUES (1, 'x');
