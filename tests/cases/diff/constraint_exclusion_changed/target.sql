CREATE EXTENSION btree_gist;
CREATE TABLE public.booking (room int, span tsrange, state text, CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, span WITH &&));

INSERT INTO public.booking VALUES (1, '[2020-01-01,2020-01-02)', 'x'), (1, '[2020-01-03,2020-01-04)', 'y');
