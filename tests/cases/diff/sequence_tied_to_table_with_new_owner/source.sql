-- sequences belong to columns whose tables change their owner in the same plan
CREATE TABLE public.t (id int, n serial);
ALTER TABLE public.t OWNER TO dbsync_case_reader;
INSERT INTO public.t VALUES (1);
CREATE SEQUENCE public.free;
CREATE TABLE public.u (id int);
ALTER SEQUENCE public.free OWNED BY public.u.id;
ALTER TABLE public.u OWNER TO dbsync_case_reader;
CREATE SEQUENCE public.other;
CREATE TABLE public.w (id int);
ALTER SEQUENCE public.other OWNED BY public.w.id;
ALTER TABLE public.w OWNER TO dbsync_case_writer;
CREATE SEQUENCE public.along;
CREATE TABLE public.x (id int);
ALTER SEQUENCE public.along OWNED BY public.x.id;
ALTER TABLE public.x OWNER TO dbsync_case_reader;
