CREATE UNLOGGED SEQUENCE app.lost;
CREATE TABLE app.distinctly (a int UNIQUE NULLS NOT DISTINCT, b int, c int REFERENCES app.distinctly (a) ON DELETE SET NULL (c));
CREATE VIEW app.invoker WITH (security_invoker = true) AS SELECT 1 AS one;
