import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite(.serialized) struct CatalogTests {
    private static let rich = """
        CREATE SCHEMA app; CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext;
        CREATE TYPE app.mood AS ENUM ('sad', 'it''s ok');
        CREATE DOMAIN app.short AS varchar(10) CHECK (VALUE <> 'x');
        CREATE TYPE app.pair AS (a int, m app.mood);
        CREATE TABLE app.parent (id int PRIMARY KEY, code text UNIQUE);
        CREATE TABLE app."Odd ""Table" (
          id serial, "Big Id" bigint GENERATED ALWAYS AS IDENTITY, price numeric(10,2) DEFAULT 1.5,
          name varchar(30)[] COLLATE "C", s app.short, m app.mood, e ext.citext, p app.pair,
          r int4range, mr nummultirange, u uuid, c char(4), b bytea, t timestamptz DEFAULT now(),
          j jsonb, g numeric GENERATED ALWAYS AS (price * 2) STORED, gone int, "char" "char",
          parent int REFERENCES app.parent ON DELETE CASCADE DEFERRABLE,
          PRIMARY KEY (id, "Big Id"), UNIQUE (u) DEFERRABLE, CHECK (price > 0),
          EXCLUDE USING gist (r WITH &&));
        ALTER TABLE app."Odd ""Table" DROP COLUMN gone;
        ALTER TABLE app."Odd ""Table" ADD CONSTRAINT late CHECK (c <> 'no') NOT VALID;
        CREATE INDEX by_lower ON app."Odd ""Table" (lower(c)) WHERE price > 3;
        CREATE UNIQUE INDEX part ON app."Odd ""Table" (c) INCLUDE (b) WHERE c IS NOT NULL;
        """

    private func rich(_ server: String) throws -> (SourceFixture, TableSchema) {
        let fixture = try SourceFixture(on: server, Self.rich)
        return (fixture, try fixture.describe("Odd \"Table", schema: "app"))
    }

    @Test(
        "Columns carry type, kind, default, generation and collation",
        arguments: TestDatabase.servers)
    func columns(server: String) throws {
        let (_, table) = try rich(server)
        let columns = Dictionary(uniqueKeysWithValues: table.columns.map { ($0.name, $0) })
        #expect(table.columns.map(\.name).prefix(3) == ["id", "Big Id", "price"])
        #expect(columns["gone"] == nil)
        #expect(
            columns["id"]?.defaultExpression == "nextval('app.\"Odd \"\"Table_id_seq\"'::regclass)")
        #expect(columns["Big Id"]?.identity == .always)
        #expect(columns["Big Id"]?.isNullable == false)
        #expect(columns["price"]?.type.declaration == "numeric(10,2)")
        #expect(columns["price"]?.type.castName == "\"pg_catalog\".\"numeric\"")
        #expect(columns["price"]?.defaultExpression == "1.5")
        #expect(columns["name"]?.type.declaration == "character varying(30)[]")
        #expect(columns["name"]?.collation == "\"pg_catalog\".\"C\"")
        #expect(columns["s"]?.collation == nil)
        #expect(columns["s"]?.type.castName == "\"app\".\"short\"")
        #expect(columns["g"]?.generated == "(price * (2)::numeric)")
        #expect(columns["g"]?.defaultExpression == nil)
        #expect(columns["m"]?.type.declaration == "app.mood")
    }

    @Test("A value's kind is seen through domains and extensions", arguments: TestDatabase.servers)
    func kinds(server: String) throws {
        let (_, table) = try rich(server)
        let kinds = Dictionary(uniqueKeysWithValues: table.columns.map { ($0.name, $0.type.kind) })
        let expected: [String: ValueKind] = [
            "id": .int32, "Big Id": .int64, "price": .numeric, "name": .array, "s": .text,
            "m": .enumeration, "e": .caseInsensitiveText, "p": .composite, "r": .range,
            "mr": .range, "u": .uuid, "c": .fixedText, "b": .bytes, "t": .timestampWithZone,
            "j": .jsonBinary, "g": .numeric, "char": .other, "parent": .int32,
        ]
        #expect(kinds == expected)
    }

    @Test("Keys, indexes, foreign keys and checks are told apart", arguments: TestDatabase.servers)
    func constraints(server: String) throws {
        let (_, table) = try rich(server)
        #expect(table.primaryKey?.columns == ["id", "Big Id"])
        #expect(table.primaryKey?.definition == "PRIMARY KEY (id, \"Big Id\")")
        #expect(table.replicaIdentity == .primaryKey)
        #expect(table.chunkKey == ["id", "Big Id"])
        let indexes = Dictionary(uniqueKeysWithValues: table.indexes.map { ($0.name, $0) })
        #expect(
            indexes["by_lower"]?.definition
                == "USING btree (lower((c)::text)) WHERE (price > (3)::numeric)")
        #expect(indexes["by_lower"]?.columns == [])
        #expect(indexes["part"]?.columns == ["c"])
        #expect(indexes["part"]?.isPlain == false)
        #expect(indexes["part"]?.isUnique == true)
        let deferrable = indexes.values.first { $0.isDeferrable }
        #expect(deferrable?.columns == ["u"])
        #expect(deferrable?.definition == "UNIQUE (u) DEFERRABLE")
        let exclusion = indexes.values.first { $0.definition.hasPrefix("EXCLUDE") }
        #expect(exclusion?.isUnique == true && exclusion?.isPlain == false)
        #expect(table.foreignKeys.map(\.referenced) == [TableName(schema: "app", name: "parent")])
        #expect(table.foreignKeys.map(\.changesRows) == [true])
        #expect(table.foreignKeys.map(\.referencedColumns) == [["id"]])
        #expect(
            table.checks.map(\.definition).sorted()
                == ["CHECK ((c <> 'no'::bpchar)) NOT VALID", "CHECK ((price > (0)::numeric))"])
    }

    @Test("P08, P09: the identity is what the server logs, not what the table has")
    func identities() throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE d (id int PRIMARY KEY DEFERRABLE);
            CREATE TABLE i (a int NOT NULL UNIQUE, b int);
            ALTER TABLE i REPLICA IDENTITY USING INDEX i_a_key;
            CREATE TABLE gone (a int NOT NULL UNIQUE);
            ALTER TABLE gone REPLICA IDENTITY USING INDEX gone_a_key;
            ALTER TABLE gone DROP CONSTRAINT gone_a_key;
            CREATE TABLE f (a int, b int NOT NULL UNIQUE); ALTER TABLE f REPLICA IDENTITY FULL;
            CREATE TABLE n (a int PRIMARY KEY); ALTER TABLE n REPLICA IDENTITY NOTHING;
            CREATE TABLE odd (a text NOT NULL);
            CREATE UNIQUE INDEX odd_a ON odd (a COLLATE "C"); ALTER TABLE odd REPLICA IDENTITY FULL;
            """)
        let identity = { try fixture.describe($0).replicaIdentity }
        #expect(try identity("d") == .nothing)
        #expect(try identity("i") == .index("i_a_key"))
        #expect(try identity("gone") == .nothing)
        #expect(try identity("f") == .full)
        #expect(try identity("n") == .nothing)
        #expect(try fixture.describe("f").chunkKey == ["b"])
        #expect(try fixture.describe("odd").chunkKey == [])
    }

    @Test("Lists tables and partitioned roots, not partitions, views or Martlet's own (P35)")
    func list() throws {
        let fixture = try SourceFixture(
            """
            CREATE SCHEMA martlet; CREATE TABLE martlet.checkpoint (a int);
            CREATE TABLE z (id int); CREATE UNLOGGED TABLE u (id int); CREATE VIEW v AS SELECT 1;
            CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
            CREATE TEMP TABLE mine (id int);
            """)
        #expect(
            try fixture.source.listTables().map(\.description) == [
                "public.p", "public.u", "public.z",
            ])
        #expect(try fixture.describe("p").isPartitioned)
        #expect(throws: ReplicationError.self) { try fixture.describe("absent") }
    }

    @Test("Estimates of a partitioned root are summed over its partitions")
    func estimates() throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
            CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (5000);
            INSERT INTO p SELECT generate_series(0, 2999); ANALYZE p; ANALYZE p1; ANALYZE p2;
            """)
        let table = try fixture.describe("p")
        #expect(table.estimatedRows == 3000)
        #expect(table.estimatedBytes > 50_000)
    }

    @Test(
        "The fingerprint changes with what decides reading, and only then",
        arguments: [
            ("ALTER TABLE p ADD c int", true), ("ALTER TABLE p DROP b", true),
            ("ALTER TABLE p RENAME b TO c", true), ("ALTER TABLE p ALTER b TYPE bigint", true),
            ("ALTER TABLE p DETACH PARTITION p1", true), ("TRUNCATE p1", true),
            ("ALTER TABLE p1 REPLICA IDENTITY FULL", true),
            ("INSERT INTO p VALUES (1, 2)", false), ("ANALYZE p", false),
            ("CREATE INDEX ON p (b)", false), ("REINDEX TABLE CONCURRENTLY p1", false),
        ])
    func fingerprint(statement: String, changes: Bool) throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE p (id int PRIMARY KEY, b int) PARTITION BY RANGE (id);
            CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
            """)
        let before = try fixture.describe("p")
        try fixture.admin.run(statement)
        let after = try fixture.source.fingerprints(of: [before.id, 1])
        #expect(after.count == 1)
        #expect((after[before.id] != before.fingerprint) == changes)
    }

    @Test("P47: SET LOGGED changes the fingerprint")
    func setLogged() throws {
        let fixture = try SourceFixture("CREATE UNLOGGED TABLE u (id int PRIMARY KEY)")
        let before = try fixture.describe("u")
        try fixture.admin.run("ALTER TABLE u SET LOGGED")
        #expect(try fixture.source.fingerprints(of: [before.id])[before.id] != before.fingerprint)
    }

    @Test("A NOT NULL that was never validated does not count (18)")
    func notValidated() throws {
        let fixture = try SourceFixture(
            on: "pg18",
            """
            CREATE TABLE t (a int, b int NOT NULL); INSERT INTO t VALUES (NULL, 1);
            ALTER TABLE t ADD CONSTRAINT late NOT NULL a NOT VALID;
            """)
        #expect(try fixture.describe("t").columns.map(\.isNullable) == [true, false])
    }
}
