-- a label that rows still use goes: this must stop before anything is written
CREATE TYPE public.e AS ENUM ('a', 'c');
CREATE TABLE public.t (id int PRIMARY KEY, v public.e);
