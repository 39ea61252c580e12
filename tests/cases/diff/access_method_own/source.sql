-- an own access method and a table that uses it
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE public.t (id int PRIMARY KEY) USING heap2;
CREATE TABLE public.u (id int PRIMARY KEY) USING heap2;
