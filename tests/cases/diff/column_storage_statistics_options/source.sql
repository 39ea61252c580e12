-- storage, compression, statistics target, n_distinct: set, changed, reset
CREATE TABLE public.t (id int PRIMARY KEY, a text, b text, c text, d text);
ALTER TABLE public.t ALTER a SET STORAGE PLAIN, ALTER b SET STATISTICS 250, ALTER c SET (n_distinct_inherited = 9), ALTER d SET COMPRESSION pglz, ALTER d SET STORAGE EXTERNAL, ALTER id SET STATISTICS 0;
