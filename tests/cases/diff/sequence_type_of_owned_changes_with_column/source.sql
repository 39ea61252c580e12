-- serial columns of other widths, whose sequences change their type, owner and place at once
CREATE SCHEMA s;
CREATE TABLE t (id bigserial PRIMARY KEY, n smallserial);
ALTER TABLE t OWNER TO dbsync_case_owner;
CREATE SEQUENCE s.q AS smallint MINVALUE -5 START -5;
CREATE TABLE u (id smallint DEFAULT nextval('s.q') PRIMARY KEY);
