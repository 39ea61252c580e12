-- a domain's check is NOT VALID in the wanted state, and another becomes valid
CREATE DOMAIN public.d AS int CONSTRAINT pos CHECK (VALUE > 0);
ALTER DOMAIN public.d ADD CONSTRAINT big CHECK (VALUE < 10) NOT VALID;
CREATE TABLE public.t (id int PRIMARY KEY, v public.d);
