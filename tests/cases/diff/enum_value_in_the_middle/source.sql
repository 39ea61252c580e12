-- labels before the first, between and after the last; the order counts
CREATE TYPE public.size AS ENUM ('XXS', 'XS', 'S', 'M', 'ML', 'L', 'XL');
CREATE TABLE public.shirt (id int PRIMARY KEY, size public.size);
CREATE INDEX shirt_size ON public.shirt (size) WHERE size > 'S';
