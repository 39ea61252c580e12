CREATE TYPE public.colour AS ENUM ('red', 'never', 'blue');
CREATE DOMAIN public.paint AS public.colour DEFAULT 'red' CHECK (VALUE <> 'blue');
CREATE TYPE public.pot AS (c public.colour, litres int);
CREATE TABLE public.wall (id int PRIMARY KEY, c public.colour NOT NULL DEFAULT 'red', many public.colour[] DEFAULT '{red,blue}', d public.paint, p public.pot);
CREATE INDEX wall_c ON public.wall (c);
CREATE VIEW public.red_walls AS SELECT id, c FROM public.wall WHERE c = 'red';
CREATE MATERIALIZED VIEW public.count_by AS SELECT c, count(*) AS n FROM public.wall GROUP BY c;
CREATE UNIQUE INDEX count_by_c ON public.count_by (c);
CREATE FUNCTION public.is_red(x public.colour) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT x = 'red' $$;

INSERT INTO public.wall VALUES (1, 'red', '{red}', 'red', ROW('blue', 2)), (2, 'blue', '{red,blue}', NULL, NULL);
