-- columns of many kinds are added at once
CREATE TYPE public.e AS ENUM ('a', 'b');
CREATE TABLE public.t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'it''s', b public.e DEFAULT 'b', c int[] DEFAULT ARRAY[1,2],
    d numeric GENERATED ALWAYS AS (id * 2.5) STORED, f bigint GENERATED ALWAYS AS IDENTITY, g serial, h jsonb DEFAULT '{"a": "%s"}', i timestamptz DEFAULT now(),
    j int REFERENCES public.t, k text UNIQUE, l text CHECK (l <> ''), m char(3), n time with time zone, o "char", p varchar, q text COLLATE "POSIX");
COMMENT ON COLUMN public.t.a IS 'new';
