-- identity goes, serial goes, plain becomes identity and serial
CREATE TABLE public.a (id int NOT NULL, v text);
CREATE TABLE public.b (id int NOT NULL, v text);
CREATE TABLE public.c (id int GENERATED ALWAYS AS IDENTITY, v text);
CREATE TABLE public.d (id serial, v text);
