-- a foreign table is attached to a partitioned table
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE TABLE public.m (id int NOT NULL, v text) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE public.cold PARTITION OF public.m FOR VALUES FROM (0) TO (10) SERVER s OPTIONS (x 'y');
