CREATE SEQUENCE public.tickets START 100;
CREATE TABLE public.a (n bigint DEFAULT nextval('public.tickets') PRIMARY KEY);
CREATE TABLE public.b (n bigint DEFAULT nextval('public.tickets') PRIMARY KEY);

INSERT INTO public.a DEFAULT VALUES; INSERT INTO public.b DEFAULT VALUES;
