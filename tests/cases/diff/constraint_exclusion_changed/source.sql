-- exclusion constraints: operators, predicate, deferrable
CREATE EXTENSION btree_gist;
CREATE TABLE public.booking (room int, span tsrange, state text, CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, span WITH &&) WHERE (state <> 'cancelled') DEFERRABLE INITIALLY DEFERRED, CONSTRAINT other EXCLUDE USING btree (room WITH =, state WITH =));
COMMENT ON CONSTRAINT no_overlap ON public.booking IS 'one at a time';
