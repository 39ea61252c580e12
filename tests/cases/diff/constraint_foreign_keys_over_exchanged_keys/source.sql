-- the referred key changes from one column to another, in three tables at once, with a self reference
CREATE TABLE public.node (id bigint NOT NULL CONSTRAINT node_id UNIQUE, code text NOT NULL CONSTRAINT node_pkey PRIMARY KEY, parent bigint REFERENCES public.node (id) DEFERRABLE);
CREATE TABLE public.edge (a bigint REFERENCES public.node (id) ON DELETE CASCADE, b bigint REFERENCES public.node (id), PRIMARY KEY (b, a));
CREATE TABLE public.tag (node bigint REFERENCES public.node (id), t text, code text REFERENCES public.node);
