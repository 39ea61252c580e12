CREATE TABLE only_here (a int); INSERT INTO only_here VALUES (1); INSERT INTO both_have VALUES (1);
CREATE TABLE also_missing (a int);
