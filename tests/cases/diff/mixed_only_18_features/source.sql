-- attributes that only Postgres 18 has, in one go
CREATE TABLE public.p (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (10);
CREATE TABLE public.t (id int CONSTRAINT there NOT NULL, n int, p int, g int GENERATED ALWAYS AS (n * 2) VIRTUAL, CONSTRAINT soft CHECK (n > 100) NOT ENFORCED);
ALTER TABLE public.t ADD CONSTRAINT n_there NOT NULL n NOT VALID;
CREATE PUBLICATION pub FOR TABLE public.t WITH (publish_generated_columns = stored);
