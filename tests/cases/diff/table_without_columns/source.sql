-- a table with no columns, one that loses all of them, and one that gets its first
CREATE TABLE public.was_empty (a int NOT NULL DEFAULT 1);
CREATE TABLE public.gets_empty ();
CREATE TABLE public.new_empty ();
