CREATE TYPE public.status AS ENUM ('a', 'b', 'c');
CREATE SEQUENCE public.s;
CREATE TABLE public.old_name (id bigint DEFAULT nextval('public.s') PRIMARY KEY, st public.status DEFAULT 'b');
ALTER SEQUENCE public.s OWNED BY public.old_name.id;
