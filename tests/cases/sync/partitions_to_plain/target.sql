CREATE TABLE event (id bigint, day date NOT NULL, v text, PRIMARY KEY (id, day));
