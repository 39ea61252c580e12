-- a trigger of the parent is cloned to partitions, one of them has it disabled; a partition has its own
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE public.p (id int, d date) PARTITION BY RANGE (d);
CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE public.p2 PARTITION OF public.p FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TRIGGER all_of_them BEFORE INSERT OR UPDATE ON public.p FOR EACH ROW EXECUTE FUNCTION public.f();
CREATE TRIGGER own BEFORE INSERT ON public.p2 FOR EACH ROW EXECUTE FUNCTION public.f();
ALTER TABLE public.p2 DISABLE TRIGGER all_of_them;
