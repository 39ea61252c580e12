CREATE TABLE public.t (id int PRIMARY KEY, a text, b text, c text, d text);
ALTER TABLE public.t ALTER a SET STORAGE MAIN, ALTER b SET STATISTICS 10, ALTER c SET (n_distinct = 5, n_distinct_inherited = 7);

INSERT INTO public.t VALUES (1, 'a', 'b', 'c', 'd');
