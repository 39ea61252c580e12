-- defaults added, dropped, changed, by functions and sequences that come and go
CREATE SEQUENCE public.new_seq;
CREATE FUNCTION public.new_default() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE public.t (id int PRIMARY KEY DEFAULT nextval('public.new_seq'), a int DEFAULT public.new_default(), b text DEFAULT E'tab\there', c text, d timestamptz DEFAULT clock_timestamp());
