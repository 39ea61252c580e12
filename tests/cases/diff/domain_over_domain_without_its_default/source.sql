-- a new domain over one that got its default later, or whose default goes, has none
CREATE DOMAIN public.base AS int;
CREATE DOMAIN public.over AS public.base CHECK (VALUE > 0);
ALTER DOMAIN public.base SET DEFAULT 7;
CREATE DOMAIN public.bare AS int;
CREATE DOMAIN public.over_bare AS public.bare DEFAULT 3;
CREATE DOMAIN public.like_base AS public.base;
CREATE TABLE public.t (a public.over, b public.over_bare, c public.like_base);
