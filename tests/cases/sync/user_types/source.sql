CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[], d positive, ds positive[], p pair, ps pair[], r floats, rs floats[]);
INSERT INTO t SELECT i, 'ok', '{sad,NULL}', i, '[5:6]={1,2}', ROW(i, 'x"y')::pair, ARRAY[(1, ')')::pair, NULL], floats(i, NULL), ARRAY[floats(1, 2)]
  FROM generate_series(1, 100) i;
