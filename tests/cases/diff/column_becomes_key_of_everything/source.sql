-- a new column becomes primary key, partition of a unique key, foreign key target and identity at once
CREATE TABLE public.a (code text NOT NULL CONSTRAINT a_code UNIQUE, v int, id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT a_pkey PRIMARY KEY);
CREATE TABLE public.b (a text REFERENCES public.a (code), n int, a_id bigint REFERENCES public.a ON DELETE CASCADE);
CREATE INDEX b_a_id ON public.b (a_id);
