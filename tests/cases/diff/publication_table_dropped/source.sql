-- a published table goes and a replacing one is published
CREATE TABLE public.new_t (id int PRIMARY KEY);
CREATE PUBLICATION p FOR TABLE public.new_t;
