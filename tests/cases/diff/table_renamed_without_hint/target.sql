CREATE TABLE public.cust (id int PRIMARY KEY, nm text);
CREATE TABLE public.stays (id int PRIMARY KEY, c int REFERENCES public.cust);

INSERT INTO public.cust VALUES (1, 'a'); INSERT INTO public.stays VALUES (1, NULL);
