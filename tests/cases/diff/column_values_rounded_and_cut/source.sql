-- types that round, cut and forget what they cannot hold, without an error
CREATE DOMAIN public.price AS numeric(8, 1);
CREATE TABLE public.measure (
    id int PRIMARY KEY, whole int, scaled numeric(6, 1), small real, day date, clock time, brief timestamp(0),
    tag name, sign "char", net cidr, flag boolean, cost public.price, many numeric(6, 1)[]
);
