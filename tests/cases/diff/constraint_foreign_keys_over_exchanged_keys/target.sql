CREATE TABLE public.node (id int PRIMARY KEY, code text NOT NULL UNIQUE, parent int REFERENCES public.node);
CREATE TABLE public.edge (a int REFERENCES public.node ON DELETE CASCADE, b int REFERENCES public.node, PRIMARY KEY (a, b));
CREATE TABLE public.tag (node int REFERENCES public.node, t text);

INSERT INTO public.node VALUES (1, 'a', NULL), (2, 'b', 1); INSERT INTO public.edge VALUES (1, 2); INSERT INTO public.tag VALUES (2, 't');
