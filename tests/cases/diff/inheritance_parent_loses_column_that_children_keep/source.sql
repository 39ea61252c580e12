-- a parent loses a column: one child keeps it with its values, the others lose it too
CREATE TABLE public.base (id int, note text);
CREATE TABLE public.keeps () INHERITS (public.base);
ALTER TABLE public.keeps ADD COLUMN kind text DEFAULT 'own';
CREATE TABLE public.loses () INHERITS (public.base);
CREATE TABLE public.deep () INHERITS (public.loses);
