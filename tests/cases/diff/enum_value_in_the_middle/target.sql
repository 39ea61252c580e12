CREATE TYPE public.size AS ENUM ('S', 'L');
CREATE TABLE public.shirt (id int PRIMARY KEY, size public.size);
CREATE INDEX shirt_size ON public.shirt (size) WHERE size > 'S';

INSERT INTO public.shirt VALUES (1, 'S'), (2, 'L'), (3, NULL);
