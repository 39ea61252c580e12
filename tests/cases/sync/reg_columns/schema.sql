CREATE TABLE refs (id int PRIMARY KEY, c regclass, t regtype, p regproc, o oid);
