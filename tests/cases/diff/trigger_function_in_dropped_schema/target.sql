CREATE SCHEMA util;
CREATE FUNCTION util.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION util.gen() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION util.chk(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE SEQUENCE util.seq;
CREATE TABLE public.t (id int PRIMARY KEY DEFAULT nextval('util.seq'), a int DEFAULT util.gen(), CONSTRAINT c CHECK (util.chk(a)));
CREATE TRIGGER stamp BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION util.stamp();

INSERT INTO public.t (a) VALUES (5), (6);
