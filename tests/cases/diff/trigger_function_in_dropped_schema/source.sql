-- triggers, defaults and checks of a table that stays use functions of a schema that goes
CREATE SCHEMA tools;
CREATE FUNCTION tools.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION tools.gen() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION tools.chk(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE SEQUENCE tools.seq;
CREATE TABLE public.t (id int PRIMARY KEY DEFAULT nextval('tools.seq'), a int DEFAULT tools.gen(), CONSTRAINT c CHECK (tools.chk(a)));
CREATE TRIGGER stamp BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION tools.stamp();
