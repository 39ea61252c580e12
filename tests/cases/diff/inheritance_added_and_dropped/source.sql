-- a table begins to inherit, another stops; columns become local and inherited
CREATE TABLE public.base (id int NOT NULL, name text, CONSTRAINT named CHECK (name <> ''));
CREATE TABLE public.joins (id int NOT NULL, name text, extra int, CONSTRAINT named CHECK (name <> ''));
ALTER TABLE public.joins INHERIT public.base;
CREATE TABLE public.leaves (id int NOT NULL, name text, more text, CONSTRAINT named CHECK (name <> ''));
