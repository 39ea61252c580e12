-- the old default cannot be cast: it has to go first
CREATE TABLE public.t (id int PRIMARY KEY, v int, w text DEFAULT 'abc', n numeric(12,4) DEFAULT 1);
