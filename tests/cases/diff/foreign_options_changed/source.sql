-- options of a wrapper, server, mapping, foreign table and its columns: added, set, dropped
CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'false', came 'y');
CREATE SERVER s VERSION '2' FOREIGN DATA WRAPPER w OPTIONS (b '3', c '4');
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (u 'y''y', w 'z');
CREATE FOREIGN TABLE public.f (id bigint OPTIONS (k 'w', l 'm'), v text NOT NULL, new date) SERVER s OPTIONS (t 'y', "T u" '%');
CREATE VIEW public.v AS SELECT id FROM public.f;
