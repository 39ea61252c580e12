-- array dimensions, precision, interval fields, bit lengths, char to varchar
CREATE TABLE public.t (id int PRIMARY KEY, a int[], b numeric(12,3), c timestamp(6), d interval day to minute, e bit varying(8), f varchar(20), g varchar(30)[]);
