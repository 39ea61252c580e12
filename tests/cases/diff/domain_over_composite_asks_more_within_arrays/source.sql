-- a domain over a composite type asks more while arrays hold it
CREATE TYPE p AS (x int, y int);
CREATE DOMAIN dp AS p CHECK ((VALUE).x > 0) CONSTRAINT yy CHECK ((VALUE).y IS NOT NULL);
CREATE DOMAIN da AS int[] DEFAULT '{}' CHECK (array_length(VALUE, 1) < 9);
CREATE TABLE t (a dp, b da, c dp[]);
