-- NOT NULL comes on a filled column, goes from another, and goes with a dropped primary key
CREATE TABLE public.t (id int, a text NOT NULL, b text);
