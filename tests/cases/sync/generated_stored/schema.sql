CREATE TABLE t (a int, total int GENERATED ALWAYS AS (a * 2) STORED, b text,
                shout text GENERATED ALWAYS AS (upper(b)) STORED, PRIMARY KEY (a));
