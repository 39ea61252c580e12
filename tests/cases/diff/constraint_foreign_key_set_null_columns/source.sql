-- ON DELETE SET NULL (columns)
CREATE TABLE public.tenant_user (tenant int, id int, PRIMARY KEY (tenant, id));
CREATE TABLE public.post (tenant int NOT NULL, author int, CONSTRAINT author FOREIGN KEY (tenant, author) REFERENCES public.tenant_user ON DELETE SET NULL (author));
