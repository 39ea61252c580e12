-- NOT NULL constraints with names, comments, NOT VALID and NO INHERIT
CREATE TABLE public.t (a int CONSTRAINT "a must be there" NOT NULL, b int CONSTRAINT b_there NOT NULL, c int CONSTRAINT c_there NOT NULL, d int, e int CONSTRAINT e_there NOT NULL NO INHERIT);
ALTER TABLE public.t ADD CONSTRAINT d_later NOT NULL d NOT VALID;
COMMENT ON CONSTRAINT b_there ON public.t IS 'why';
