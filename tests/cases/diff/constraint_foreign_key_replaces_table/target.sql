CREATE TABLE public.old_p (id int PRIMARY KEY);
CREATE TABLE public.new_p (id bigint PRIMARY KEY);
CREATE TABLE public.t (id int PRIMARY KEY, p int CONSTRAINT fk REFERENCES public.old_p);

INSERT INTO public.old_p VALUES (1); INSERT INTO public.new_p VALUES (1); INSERT INTO public.t VALUES (1, 1);
