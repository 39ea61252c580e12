-- a label gets another name; rows keep it
CREATE TYPE public.state AS ENUM ('new', 'running', 'done');
CREATE TABLE public.t (id int PRIMARY KEY, s public.state DEFAULT 'running');
