-- a recursive view; a function that reads a view whose query calls a function
CREATE TABLE public.node (id int PRIMARY KEY, parent int);
CREATE RECURSIVE VIEW public.paths (id, root, n) AS SELECT id, id, 1 FROM public.node WHERE parent IS NULL UNION ALL SELECT c.id, p.root, p.n + 1 FROM public.node c JOIN paths p ON p.id = c.parent;
CREATE FUNCTION public.depth(n int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT p.n::bigint FROM public.paths p WHERE p.id = depth.n';
CREATE VIEW public.tree AS SELECT id, public.depth(id) AS depth FROM public.node;
CREATE FUNCTION public.roots() RETURNS SETOF public.tree LANGUAGE sql STABLE AS 'SELECT * FROM public.tree WHERE depth = 1';
