-- a label goes from an enum that is a partition key column's type
CREATE TYPE public.region AS ENUM ('eu', 'us', 'asia', 'moon');
CREATE TABLE public.sale (id int, r public.region NOT NULL, PRIMARY KEY (id, r)) PARTITION BY LIST (r);
CREATE TABLE public.sale_eu PARTITION OF public.sale FOR VALUES IN ('eu');
CREATE TABLE public.sale_us PARTITION OF public.sale FOR VALUES IN ('us');
CREATE TABLE public.sale_asia PARTITION OF public.sale FOR VALUES IN ('asia');
