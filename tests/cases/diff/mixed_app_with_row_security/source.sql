-- a web application with row level security grows: policies, triggers, publications, defaults
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
CREATE TABLE profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, name text NOT NULL DEFAULT '', created_at timestamptz NOT NULL DEFAULT now(), meta jsonb DEFAULT '{}');
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE profiles FORCE ROW LEVEL SECURITY;
CREATE POLICY "Users see own" ON profiles FOR SELECT USING ((SELECT auth.uid()) = id);
CREATE POLICY "Users edit own" ON profiles FOR UPDATE USING (auth.uid() = id) WITH CHECK (auth.uid() = id);
CREATE FUNCTION handle_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS 'BEGIN INSERT INTO public.profiles (id, name) VALUES (NEW.id, NEW.email); RETURN NEW; END';
CREATE TRIGGER on_new AFTER INSERT OR UPDATE OF email ON auth.users FOR EACH ROW EXECUTE FUNCTION handle_new();
CREATE TABLE posts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author uuid REFERENCES profiles, body text);
CREATE PUBLICATION rt FOR TABLE profiles, posts;
GRANT ALL ON profiles, posts TO dbsync_case_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO dbsync_case_writer;
CREATE VIEW feed WITH (security_invoker = on) AS SELECT p.body, r.name FROM posts p JOIN profiles r ON r.id = p.author;
