CREATE TABLE public.place (a int, b int);
CREATE UNIQUE INDEX zz ON public.place (a, b);
CREATE TABLE public.visit (a int, b int, CONSTRAINT visit_place FOREIGN KEY (a, b) REFERENCES public.place (a, b));
CREATE UNIQUE INDEX aa ON public.place (a, b);

INSERT INTO public.place VALUES (1, 1);
INSERT INTO public.visit VALUES (1, 1);
