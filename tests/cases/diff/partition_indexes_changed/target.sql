CREATE TABLE public.m (a int, b int, c text) PARTITION BY RANGE (a);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0) TO (10);
CREATE TABLE public.m2 PARTITION OF public.m FOR VALUES FROM (10) TO (20);
CREATE INDEX gone ON public.m (c);
CREATE INDEX changes ON public.m (b);
CREATE INDEX m1_b_c ON public.m1 (b, c);

INSERT INTO public.m VALUES (1, 1, 'a'), (11, 1, 'b');
