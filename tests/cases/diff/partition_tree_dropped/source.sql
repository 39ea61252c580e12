-- a partitioned table with children, a view and a foreign key to it goes; one child stays as a plain table
CREATE TABLE public.m1 (id int NOT NULL, v text, CONSTRAINT m1_pkey PRIMARY KEY (id));
CREATE TABLE public.c (m int);
