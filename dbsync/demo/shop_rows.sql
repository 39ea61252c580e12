-- About :rows rows for the shop, the same on every run: nothing here is random. Run with psql.

SET search_path = '';
SET TimeZone = 'UTC';
SET client_min_messages = warning;

\set customers :rows / 10
\set orders :rows / 5

INSERT INTO shop.categories (id, parent, name, path)
SELECT i, CASE WHEN i > 10 THEN i / 10 END, 'Category ' || i,
       CASE WHEN i > 10 THEN ARRAY['Category ' || i / 10, 'Category ' || i] ELSE ARRAY['Category ' || i] END
  FROM generate_series(1, 100) AS i;
SELECT setval('shop.categories_id_seq', 100)
\g /dev/null

INSERT INTO shop.products (sku, category, name, price, band, history, attributes, raw, tags, size, on_sale, photo)
SELECT md5('sku' || i)::uuid, 1 + i % 100, left('Product ' || i || ' ' || md5(i::text), 80), (i * 37 % 99999) / 100.0,
       shop.price_range(i / 10.0, CASE WHEN i % 5 > 0 THEN i + 0.50 END, '[]'),
       ARRAY[i / 7.0, NULL, i::numeric], jsonb_build_object('colour', left(md5(i::text), 6), 'weights', ARRAY[i, i / 3.0], 'é "q" \', NULL),
       format('{"n": %s, "n": %s, "big": 12345678901234567890.10}', i, i + 1)::json,
       CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN '[0:1]={first,"a,b"}' ELSE ARRAY['x', NULL, 'it''s'] END::text[],
       ROW(i % 90 + 0.5, i % 80, NULL, 'cm "approx."')::shop.dimensions,
       tstzrange(timestamptz '2024-01-01 00:00+00' + i * interval '7 minutes', CASE WHEN i % 3 > 0 THEN 'infinity'::timestamptz END),
       decode(md5('photo' || i) || '005c4e0a', 'hex')
  FROM generate_series(1, greatest(:rows / 100, 20)) AS i;

INSERT INTO shop.customers (email, name, born, joined, last_seen_from, loyal_for, balance, words)
SELECT 'user' || i || '@example.org', (ARRAY['Ann', 'Zoë', 'O''Neil', E'Tab\there', '李', ''])[1 + i % 6] || ' ' || i,
       date '1940-01-01' + i % 25000, timestamptz '2020-02-29 23:30+00' + i * interval '11 minutes 0.000123 seconds',
       CASE i % 3 WHEN 0 THEN '10.0.0.0'::inet + i WHEN 1 THEN '2001:db8::'::inet + i END,
       make_interval(months => i % 30, days => i % 45, secs => i / 3.0), (i % 2000 - 1000) / 7.0::float8,
       to_tsvector('pg_catalog.simple', 'customer number ' || i)
  FROM generate_series(1, greatest(:customers, 20)) AS i;

INSERT INTO shop.addresses (customer, street, country, place, valid)
SELECT i, i || ' Main Street', (ARRAY['DE', 'FR', 'N '])[1 + i % 3], point(i / 7.0, -i), daterange(date '2020-01-01' + i % 999, NULL)
  FROM generate_series(1, greatest(:customers, 20)) AS i;
UPDATE shop.customers SET default_address = id WHERE id % 3 > 0;

INSERT INTO shop.orders (customer, ship_to, status, placed, note)
SELECT 1 + i * 7 % greatest(:customers, 20), CASE WHEN i % 4 > 0 THEN 1 + i * 7 % greatest(:customers, 20) END,
       (enum_range(NULL::shop.order_status))[1 + i % 5], timestamptz '2023-01-01 00:00+00' + i % 800 * interval '1 day' + i * interval '1 second',
       CASE i % 50 WHEN 0 THEN E'two\nlines' WHEN 1 THEN '\N' WHEN 2 THEN '\.' WHEN 3 THEN '' END
  FROM generate_series(1, greatest(:orders, 40)) AS i;

INSERT INTO shop.order_items (order_id, line, day, sku, quantity, price)
SELECT i, n, date '2023-01-01' + i % 800, md5('sku' || 1 + (i * 13 + n) % greatest(:rows / 100, 20))::uuid, 1 + (i + n) % 5, (i * 37 % 9999) / 100.0
  FROM generate_series(1, greatest(:orders, 40)) AS i, generate_series(1, 1 + i % 4) AS n;

INSERT INTO shop.page_views (seen, path, host)
SELECT timestamp '2025-01-01' + i / 3 * interval '1 second', '/p/' || i / 3 % 50, '08:00:2b:01:02:03'
  FROM generate_series(1, :rows / 20) AS i;

INSERT INTO shop.complaints (about, body) SELECT i, 'late, again; ' || i FROM generate_series(1, 40) AS i;
INSERT INTO shop.praise (body) SELECT 'thanks ' || i FROM generate_series(1, 7) AS i;

INSERT INTO "Back Office"."Odd Table" VALUES
    (1, NULL, 'NaN', 'infinity', '1 mon 30 days', 'NaN', '{}'),
    (2, '', '-0', '-infinity', '60 days', 1.0, '{NULL}'),
    (3, '\N', '5e-324', '4713-01-02 00:00:00+00 BC', '-178000000 years', 1.00, '[5:6]={1,2}'),
    (4, E'tab\tnew\nline\r\\', '-Infinity', '294276-12-31 23:59:59.999999+00', '-1 mon +1 day -00:00:00.000001', 1e400, '{{1,2},{3,4}}'),
    (5, 'e' || U&'\0301', 0.1 + 0.2, '2024-03-31 01:00+00', '24:00', -0.00, NULL);
SELECT setval('"Back Office"."Odd Table_Key With Space_seq"', 500, false)
\g /dev/null

REFRESH MATERIALIZED VIEW shop.sales_by_month;
REFRESH MATERIALIZED VIEW shop.best_months;
ANALYZE;
