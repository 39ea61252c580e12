CREATE TABLE event (v text, id bigint, day date NOT NULL, PRIMARY KEY (id, day));
INSERT INTO event SELECT md5(i::text), i, date '2022-06-01' + i % 1400 FROM generate_series(1, 1000) i;
