CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE TYPE pair AS (a positive, b text);
