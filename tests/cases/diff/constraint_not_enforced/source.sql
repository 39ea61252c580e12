-- NOT ENFORCED checks and foreign keys come, go and change
CREATE TABLE public.p (id int PRIMARY KEY);
CREATE TABLE public.t (id int PRIMARY KEY, a int CONSTRAINT ca CHECK (a > 0), b int CONSTRAINT cb CHECK (b > 0) NOT ENFORCED, p int CONSTRAINT fp REFERENCES public.p NOT ENFORCED, q int CONSTRAINT fq REFERENCES public.p);
