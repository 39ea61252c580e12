CREATE TABLE public.t (a int CONSTRAINT a_there NOT NULL, b int NOT NULL, c int, d int CONSTRAINT d_there NOT NULL, e int CONSTRAINT e_there NOT NULL);
ALTER TABLE public.t ADD CONSTRAINT c_there NOT NULL c NOT VALID;

INSERT INTO public.t VALUES (1, 2, 3, 4, 5);
