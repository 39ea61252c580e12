-- a table with a serial column becomes partitioned: the sequence stays what it is
CREATE TABLE public.event (id serial, kind text NOT NULL) PARTITION BY LIST (kind);
CREATE TABLE public.event_a PARTITION OF public.event FOR VALUES IN ('a');
