CREATE EXTENSION btree_gist;
CREATE TABLE public.product (id int, valid daterange, price numeric, CONSTRAINT product_pkey PRIMARY KEY (id, valid));
CREATE TABLE public.offer (id int, product int, valid daterange);

INSERT INTO public.product VALUES (1, '[2020-01-01,2021-01-01)', 5); INSERT INTO public.offer VALUES (1, 1, '[2020-02-01,2020-03-01)');
