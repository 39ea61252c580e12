-- partitions go to new parents, whose foreign keys and checks have the same names and say something else
CREATE TABLE public.note_new (k int, v int CONSTRAINT small CHECK (v < 100)) PARTITION BY LIST (k);
CREATE TABLE public.word_new (k int, v int, CONSTRAINT word_key UNIQUE (k)) PARTITION BY LIST (k);
CREATE TABLE public.note_1 PARTITION OF public.note_new FOR VALUES IN (1);
CREATE TABLE public.word_1 PARTITION OF public.word_new FOR VALUES IN (1);
ALTER TABLE public.note_new ADD CONSTRAINT note_word FOREIGN KEY (k) REFERENCES public.word_new (k);
