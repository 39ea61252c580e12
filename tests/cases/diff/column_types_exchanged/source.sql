-- two columns exchange their types under a generated column, a check, a unique key and an expression index
CREATE TABLE t (a text, b int, g text GENERATED ALWAYS AS ((b + 1)::text) STORED, CONSTRAINT ck CHECK (a <> '' AND b > 0), u text UNIQUE);
CREATE INDEX gx ON t (g, (b + 1));
