-- a serial comes to a table that was a view of the same name, from a table that goes
CREATE SEQUENCE public.s;
CREATE TABLE public.orders (id bigint DEFAULT nextval('public.s') PRIMARY KEY, v text);
ALTER SEQUENCE public.s OWNED BY public.orders.id;
