-- the partitions of tables that refer to each other become tables of their own, and those tables become plain ones
CREATE TABLE author (region text, page int, PRIMARY KEY (region, page));
CREATE TABLE author_north (region text, page int, PRIMARY KEY (region, page));
CREATE TABLE author_north_1 (region text, page int, PRIMARY KEY (region, page));
CREATE TABLE author_south (region text, page int, PRIMARY KEY (region, page));
CREATE TABLE book (region text, page int, PRIMARY KEY (region, page));
CREATE TABLE book_north (region text, page int, PRIMARY KEY (region, page));
ALTER TABLE author ADD CONSTRAINT wrote FOREIGN KEY (region, page) REFERENCES book;
ALTER TABLE book ADD CONSTRAINT written FOREIGN KEY (region, page) REFERENCES author DEFERRABLE;
