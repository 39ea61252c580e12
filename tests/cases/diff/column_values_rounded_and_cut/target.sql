CREATE DOMAIN public.price AS numeric(8, 3);
CREATE TABLE public.measure (
    id int PRIMARY KEY, whole numeric, scaled numeric(8, 3), small double precision, day timestamptz, clock timestamp,
    brief timestamp, tag text, sign text, net inet, flag int, cost public.price, many numeric(8, 3)[]
);

INSERT INTO public.measure VALUES (1, 1.5, 1.005, 1.23456789012345, '2024-02-29 12:00+00', '2024-02-29 12:00',
    '2024-02-29 12:00:00.75', repeat('x', 70), 'long', '10.1.2.3/8', 7, 2.005, '{3.125}');
