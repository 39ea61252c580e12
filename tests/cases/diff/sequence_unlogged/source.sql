-- a sequence's persistence
CREATE UNLOGGED SEQUENCE public.s;
CREATE SEQUENCE public.u;
