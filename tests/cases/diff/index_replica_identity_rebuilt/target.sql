CREATE TABLE public.a (x int NOT NULL, y text NOT NULL);
CREATE UNIQUE INDEX ax ON public.a (x);
ALTER TABLE public.a REPLICA IDENTITY USING INDEX ax;
ALTER TABLE public.a CLUSTER ON ax;
COMMENT ON INDEX public.ax IS 'who is who';

INSERT INTO public.a VALUES (1, 'x');
