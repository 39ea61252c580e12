CREATE TABLE public.member (id int PRIMARY KEY, mail text, gone boolean NOT NULL);

INSERT INTO public.member VALUES (1, 'a@b', false), (2, 'A@b', false), (3, 'a@B', true);
