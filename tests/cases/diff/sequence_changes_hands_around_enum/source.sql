-- a table of another name has the serial of one that goes, and an enum that loses a label meanwhile
CREATE TYPE public.status AS ENUM ('a', 'c');
CREATE SEQUENCE public.s;
CREATE TABLE public.new_name (id bigint DEFAULT nextval('public.s') PRIMARY KEY, st public.status DEFAULT 'a');
ALTER SEQUENCE public.s OWNED BY public.new_name.id;
