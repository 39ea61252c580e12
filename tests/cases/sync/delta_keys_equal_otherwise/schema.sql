CREATE TABLE span (k interval PRIMARY KEY, v int);
CREATE TABLE lists (k numeric[] PRIMARY KEY, v int);
