CREATE TABLE public.t (a int, b int);
CREATE TABLE public.u (a int, b int);
CREATE SEQUENCE public.s1;
CREATE SEQUENCE public.s2;
CREATE SEQUENCE public.s3;
ALTER SEQUENCE public.s1 OWNED BY public.t.a;
ALTER SEQUENCE public.s2 OWNED BY public.t.b;
