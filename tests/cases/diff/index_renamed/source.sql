-- an index with the same definition has another name
CREATE TABLE public.t (a int, b int);
CREATE INDEX "by A" ON public.t (a);
CREATE INDEX same_1 ON public.t (b);
