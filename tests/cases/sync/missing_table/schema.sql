CREATE TABLE both_have (a int);
