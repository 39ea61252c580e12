CREATE TABLE booking (id int PRIMARY KEY, nights int4range, EXCLUDE USING gist (nights WITH &&));
