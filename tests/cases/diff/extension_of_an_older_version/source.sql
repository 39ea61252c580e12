-- an extension is brought to another version, neither of which a dump would say
CREATE EXTENSION pg_trgm VERSION '1.5';
CREATE TABLE public.t (a text);
