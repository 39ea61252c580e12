-- a domain's NOT NULL gets another name and a comment, a new domain has both
CREATE DOMAIN d AS int CONSTRAINT must NOT NULL;
COMMENT ON CONSTRAINT must ON DOMAIN d IS 'has to be';
CREATE DOMAIN e AS text CONSTRAINT e_there NOT NULL CHECK (VALUE <> '');
COMMENT ON CONSTRAINT e_there ON DOMAIN e IS 'e is there';
CREATE DOMAIN f AS int CONSTRAINT f_late NOT NULL;
CREATE DOMAIN g AS int;
CREATE TABLE t (a d, b f, c g);
