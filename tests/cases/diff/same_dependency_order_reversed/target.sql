CREATE VIEW public.z_base AS SELECT 1 AS x;
