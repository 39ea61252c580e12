CREATE TABLE public.x (id int PRIMARY KEY, y int);
CREATE TABLE public.y (id int PRIMARY KEY, x int REFERENCES public.x);
ALTER TABLE public.x ADD FOREIGN KEY (y) REFERENCES public.y;
