-- partitions move to a parent of another name; the key that their foreign keys need is made anew meanwhile
CREATE TABLE public.ref (id int, n int, CONSTRAINT ref_key PRIMARY KEY (id) INCLUDE (n));
CREATE TABLE public.new_name (id int, k int, CONSTRAINT fk FOREIGN KEY (id) REFERENCES public.ref) PARTITION BY LIST (k);
CREATE TABLE public.a PARTITION OF public.new_name FOR VALUES IN (1);
