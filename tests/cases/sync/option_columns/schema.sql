CREATE TABLE p (id int PRIMARY KEY, a text NOT NULL DEFAULT 'dflt', b text);
