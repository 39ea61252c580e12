-- a generated column becomes a plain one of another type
CREATE TABLE public.t (id int, total text DEFAULT 'none', day date);
