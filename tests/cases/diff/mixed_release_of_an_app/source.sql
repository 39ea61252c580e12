-- a realistic release: a split table, new enum labels, wider keys, reworked views, new policies, privileges
CREATE TYPE public.role_kind AS ENUM ('owner', 'admin', 'user', 'guest');
CREATE TABLE public.account (id bigserial PRIMARY KEY, email text NOT NULL, role public.role_kind DEFAULT 'guest' NOT NULL, created timestamp DEFAULT now(), active boolean NOT NULL DEFAULT true);
CREATE UNIQUE INDEX account_email ON public.account (lower(email));
CREATE TABLE public.address (account bigint PRIMARY KEY REFERENCES public.account ON DELETE CASCADE, street text, city text);
CREATE TABLE public.invoice (id bigserial PRIMARY KEY, account bigint NOT NULL REFERENCES public.account ON DELETE RESTRICT, total numeric(12,2) CHECK (total >= 0), paid boolean NOT NULL DEFAULT false, paid_at timestamptz);
CREATE INDEX invoice_account ON public.invoice (account) WHERE NOT paid;
CREATE VIEW public.account_list AS SELECT a.id, a.email, d.city FROM public.account a LEFT JOIN public.address d ON d.account = a.id WHERE a.active;
CREATE VIEW public.unpaid AS SELECT i.id, a.email, a.city, i.total FROM public.invoice i JOIN public.account_list a ON a.id = i.account WHERE NOT i.paid;
CREATE FUNCTION public.total_of(account bigint) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM public.invoice i WHERE i.account = total_of.account';
ALTER TABLE public.invoice ENABLE ROW LEVEL SECURITY;
CREATE POLICY paid_only ON public.invoice FOR SELECT TO dbsync_case_reader USING (paid);
GRANT SELECT ON public.unpaid, public.account_list TO dbsync_case_reader;
