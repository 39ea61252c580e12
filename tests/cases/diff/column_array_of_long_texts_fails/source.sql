-- an array of shorter texts than some that are there: nothing is cut
CREATE TABLE public.t (id int PRIMARY KEY, codes varchar(3)[]);
