-- the table that owns a sequence goes; the sequence stays, for another table
CREATE SEQUENCE public.old_id_seq AS int;
CREATE TABLE public.new (id int NOT NULL DEFAULT nextval('public.old_id_seq') PRIMARY KEY);
ALTER SEQUENCE public.old_id_seq OWNED BY public.new.id;
