-- both ends of a foreign key chain change from int to uuid
CREATE TABLE public.a (id uuid PRIMARY KEY);
CREATE TABLE public.b (id int PRIMARY KEY, a uuid NOT NULL REFERENCES public.a);
