-- new tables that refer to each other, a table that refers to itself, old circular ones that go
CREATE TABLE public.dept (id int PRIMARY KEY, boss int);
CREATE TABLE public.emp (id int PRIMARY KEY, dept int NOT NULL REFERENCES public.dept, boss int REFERENCES public.emp);
ALTER TABLE public.dept ADD CONSTRAINT boss FOREIGN KEY (boss) REFERENCES public.emp DEFERRABLE INITIALLY DEFERRED;
