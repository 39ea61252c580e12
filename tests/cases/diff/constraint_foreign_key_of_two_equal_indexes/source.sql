-- one of two equal indexes goes, the one that the foreign key was made on
CREATE TABLE public.place (a int, b int);
CREATE UNIQUE INDEX aa ON public.place (a, b);
CREATE TABLE public.visit (a int, b int, CONSTRAINT visit_place FOREIGN KEY (a, b) REFERENCES public.place (a, b));
