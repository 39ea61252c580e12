CREATE TABLE public.old (id int NOT NULL, k text) PARTITION BY RANGE (id);
CREATE TABLE public.joins (id int NOT NULL, k text);
INSERT INTO public.joins VALUES (1, 'x');
