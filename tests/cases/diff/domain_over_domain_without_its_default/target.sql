CREATE DOMAIN public.base AS int DEFAULT 5;
CREATE DOMAIN public.bare AS int DEFAULT 4;
CREATE TABLE public.t (a public.base);
INSERT INTO public.t VALUES (1), (2);
