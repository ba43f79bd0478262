CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text DEFAULT 'd',
  at timestamptz DEFAULT now());
INSERT INTO numbered (v) SELECT 'v' || g FROM generate_series(1, 20) g;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.at := clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON numbered FOR EACH ROW EXECUTE FUNCTION stamp();
