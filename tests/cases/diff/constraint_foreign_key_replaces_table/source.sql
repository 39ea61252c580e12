-- the referred table is another one, with a column type that differs too
CREATE TABLE public.new_p (id bigint PRIMARY KEY);
CREATE TABLE public.t (id int PRIMARY KEY, p bigint CONSTRAINT fk REFERENCES public.new_p ON DELETE RESTRICT);
