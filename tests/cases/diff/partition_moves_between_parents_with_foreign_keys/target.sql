CREATE TABLE public.note (k int, v int CONSTRAINT small CHECK (v < 10)) PARTITION BY LIST (k);
CREATE TABLE public.word (k int, v int, CONSTRAINT word_key UNIQUE (k)) PARTITION BY LIST (k);
CREATE TABLE public.note_1 PARTITION OF public.note FOR VALUES IN (1);
CREATE TABLE public.word_1 PARTITION OF public.word FOR VALUES IN (1);
ALTER TABLE public.note ADD CONSTRAINT note_word FOREIGN KEY (k) REFERENCES public.word (k);

INSERT INTO public.word VALUES (1, 1);
INSERT INTO public.note VALUES (1, 1);
