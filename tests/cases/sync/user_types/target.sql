CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[], d positive, ds positive[], p pair, ps pair[], r floats, rs floats[]);
