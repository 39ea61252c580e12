CREATE TABLE public.event (id serial, kind text NOT NULL);

INSERT INTO public.event (kind) VALUES ('a');
