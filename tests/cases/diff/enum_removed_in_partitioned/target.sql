CREATE TYPE public.region AS ENUM ('eu', 'us', 'moon');
CREATE TABLE public.sale (id int, r public.region NOT NULL, PRIMARY KEY (id, r)) PARTITION BY LIST (r);
CREATE TABLE public.sale_eu PARTITION OF public.sale FOR VALUES IN ('eu');
CREATE TABLE public.sale_us PARTITION OF public.sale FOR VALUES IN ('us');

INSERT INTO public.sale VALUES (1, 'eu'), (2, 'us');
