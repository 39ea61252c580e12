-- a table that is no partition any more changes the foreign key and the checks that it had from its parent
CREATE TABLE public.ref (id int PRIMARY KEY);
CREATE TABLE public.p (id int, k text, CONSTRAINT positive CHECK (id > 0), CONSTRAINT fk FOREIGN KEY (id) REFERENCES public.ref) PARTITION BY LIST (k);
CREATE TABLE public.a (id int, k text, CONSTRAINT positive CHECK (id > 1));
ALTER TABLE public.a ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES public.ref ON DELETE CASCADE NOT VALID;
CREATE TABLE public.b (id int, k text, CONSTRAINT positive CHECK (id > 0), CONSTRAINT fk FOREIGN KEY (id) REFERENCES public.ref DEFERRABLE);
