CREATE TABLE public.parts (id serial PRIMARY KEY, label text UNIQUE);
CREATE VIEW public.labels AS SELECT label FROM public.parts;

INSERT INTO public.parts (label) VALUES ('bolt'), ('nut');
