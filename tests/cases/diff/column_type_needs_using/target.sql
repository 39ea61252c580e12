CREATE TABLE public.t (id int PRIMARY KEY, a text DEFAULT '7', b int DEFAULT 0, c text, d text, e text);

INSERT INTO public.t VALUES (1, '42', 1, '{"k": 1}', '2020-02-03', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (2, NULL, NULL, NULL, NULL, NULL);
