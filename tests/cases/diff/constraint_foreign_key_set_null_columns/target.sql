CREATE TABLE public.tenant_user (tenant int, id int, PRIMARY KEY (tenant, id));
CREATE TABLE public.post (tenant int NOT NULL, author int, CONSTRAINT author FOREIGN KEY (tenant, author) REFERENCES public.tenant_user ON DELETE SET NULL);

INSERT INTO public.tenant_user VALUES (1, 1); INSERT INTO public.post VALUES (1, 1);
