CREATE TABLE city (name text, people int);
CREATE TABLE capital (country text) INHERITS (city);
CREATE TABLE port (people int, sea text) INHERITS (city);
