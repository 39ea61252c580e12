-- a view whose query holds percent signs, dollars, quotes, colons and unicode
CREATE TABLE public.t (id int PRIMARY KEY, "a b" text);
CREATE VIEW public.v AS SELECT id, "a b" LIKE '%d%%' AS "per%cent", '$$' || $q$ $1 :x %s ' $q$ AS "quo""te", 'ü☃\n' AS "ünï", id::text AS ":colon" FROM public.t WHERE "a b" <> ''';--';
COMMENT ON VIEW public.v IS 'ends with $$ and '' and \ and %s';
