-- a table with a trigger of its own and an index like its parent's becomes a partition; that index stays for itself
CREATE FUNCTION public.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE public.parent (k int, v int) PARTITION BY LIST (k);
CREATE TRIGGER touch BEFORE UPDATE ON public.parent FOR EACH ROW EXECUTE FUNCTION public.touched();
CREATE TABLE public.child PARTITION OF public.parent FOR VALUES IN (1);
CREATE INDEX parent_v ON public.parent (v);
CREATE INDEX own_v ON public.child (v);
