-- WITHOUT OVERLAPS keys and PERIOD foreign keys
CREATE EXTENSION btree_gist;
CREATE TABLE public.product (id int, valid daterange, price numeric, CONSTRAINT product_pkey PRIMARY KEY (id, valid WITHOUT OVERLAPS));
CREATE TABLE public.offer (id int, product int, valid daterange, CONSTRAINT offer_key UNIQUE (id, valid WITHOUT OVERLAPS), CONSTRAINT offer_product FOREIGN KEY (product, PERIOD valid) REFERENCES public.product (id, PERIOD valid));
