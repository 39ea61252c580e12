-- types with no implicit cast: text to int, int to boolean, text to jsonb, text to date
CREATE TABLE public.t (id int PRIMARY KEY, a int DEFAULT 7, b boolean DEFAULT false, c jsonb, d date, e uuid);
