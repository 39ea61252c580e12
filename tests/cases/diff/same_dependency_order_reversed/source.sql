-- new objects whose names sort against their dependencies
CREATE VIEW public.z_base AS SELECT 1 AS x;
CREATE VIEW public.y AS SELECT x FROM public.z_base;
CREATE VIEW public.a AS SELECT x FROM public.y;
CREATE FUNCTION public.zz(public.y) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE VIEW public.aa AS SELECT public.zz(y) AS q FROM public.y;
CREATE DOMAIN public.z_dom AS int;
CREATE TYPE public.b_comp AS (d public.z_dom);
CREATE TABLE public.a_tab (c public.b_comp, v public.aa);
