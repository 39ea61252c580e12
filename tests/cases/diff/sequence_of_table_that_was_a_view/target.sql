CREATE SEQUENCE public.s;
CREATE TABLE public.renamed (id bigint DEFAULT nextval('public.s') PRIMARY KEY, v text);
ALTER SEQUENCE public.s OWNED BY public.renamed.id;
CREATE VIEW public.orders AS SELECT renamed.id, renamed.v FROM public.renamed;
