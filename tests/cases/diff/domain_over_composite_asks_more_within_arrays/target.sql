CREATE TYPE p AS (x int, y int);
CREATE DOMAIN dp AS p CHECK ((VALUE).x > 0);
CREATE DOMAIN da AS int[] CHECK (array_length(VALUE, 1) < 5);
CREATE TABLE t (a dp, b da, c dp[]);
