INSERT INTO public.one VALUES (1, 'old');
