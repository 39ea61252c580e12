-- an empty database becomes an application: types, tables, partitions, views, functions, triggers, policies, privileges
CREATE EXTENSION citext;
CREATE SCHEMA app AUTHORIZATION dbsync_case_owner;
CREATE SCHEMA audit;
CREATE TYPE app.status AS ENUM ('cart', 'paid', 'shipped');
CREATE DOMAIN app.email AS citext CHECK (VALUE ~ '@');
CREATE TYPE app.money_amount AS (amount numeric(12,2), currency char(3));
CREATE SEQUENCE app.ticket START 1000;
CREATE TABLE app.customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email app.email UNIQUE NOT NULL, name text NOT NULL, main_address bigint);
CREATE TABLE app.address (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint NOT NULL REFERENCES app.customer ON DELETE CASCADE, street text);
ALTER TABLE app.customer ADD FOREIGN KEY (main_address) REFERENCES app.address ON DELETE SET NULL;
CREATE TABLE app.ord (id bigserial, placed date NOT NULL, customer bigint NOT NULL REFERENCES app.customer, status app.status NOT NULL DEFAULT 'cart', total app.money_amount, ticket bigint DEFAULT nextval('app.ticket'), PRIMARY KEY (id, placed)) PARTITION BY RANGE (placed);
CREATE TABLE app.ord_2024 PARTITION OF app.ord FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE app.ord_rest PARTITION OF app.ord DEFAULT;
CREATE INDEX ord_customer ON app.ord (customer) WHERE status <> 'shipped';
CREATE TABLE audit.log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), tab text NOT NULL, old jsonb, new jsonb);
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO audit.log (tab, old, new) VALUES (TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NEW; -- it's done; 100 %
END $$;
CREATE TRIGGER note AFTER UPDATE ON app.customer FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION audit.note();
CREATE TRIGGER note AFTER INSERT OR UPDATE ON app.ord FOR EACH ROW EXECUTE FUNCTION audit.note();
CREATE VIEW app.open AS SELECT o.id, o.placed, c.name, (o.total).amount AS amount FROM app.ord o JOIN app.customer c ON c.id = o.customer WHERE o.status = 'cart';
CREATE MATERIALIZED VIEW app.per_day AS SELECT placed, count(*) AS n, sum((total).amount) AS amount FROM app.ord GROUP BY placed;
CREATE UNIQUE INDEX per_day_placed ON app.per_day (placed);
CREATE FUNCTION app.spent(c bigint) RETURNS numeric LANGUAGE sql STABLE BEGIN ATOMIC SELECT sum((o.total).amount) FROM app.ord o WHERE o.customer = c; END;
ALTER TABLE app.ord ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.ord TO dbsync_case_reader USING (customer = current_setting('app.customer')::bigint);
GRANT USAGE ON SCHEMA app TO dbsync_case_reader, dbsync_case_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO dbsync_case_reader;
GRANT SELECT, INSERT, UPDATE (status) ON app.ord TO dbsync_case_writer;
REVOKE EXECUTE ON FUNCTION app.spent(bigint) FROM PUBLIC;
ALTER TABLE app.customer OWNER TO dbsync_case_owner;
COMMENT ON SCHEMA app IS 'the shop';
COMMENT ON COLUMN app.ord.total IS 'with tax';
