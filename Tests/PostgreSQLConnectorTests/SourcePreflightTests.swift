import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite(.serialized) struct SourcePreflightTests {
    private func findings(_ fixture: SourceFixture, _ source: PostgreSQLSource? = nil) throws
        -> [Finding]
    {
        let source = source ?? fixture.source
        let tables = try source.describe(try source.listTables())
        return try source.preflight(fixture.capture, tables: tables)
    }

    private func notOK(_ findings: [Finding]) -> [String] {
        findings.filter { $0.severity != .ok && $0.check != "open transactions" }.map {
            [$0.severity.rawValue, $0.check, $0.table?.name, $0.column].compactMap { $0 }
                .joined(separator: " ")
        }
    }

    @Test("A plain database passes", arguments: TestDatabase.servers)
    func passes(server: String) throws {
        let fixture = try SourceFixture(on: server, "CREATE TABLE t (id int PRIMARY KEY, a text)")
        let found = try findings(fixture)
        #expect(notOK(found) == [])
        #expect(found.map(\.check).contains("wal_level"))
        _ = try fixture.source.createCapture(
            fixture.capture, tables: [TableName(schema: "public", name: "t")])
        #expect(notOK(try findings(fixture)) == [])
    }

    @Test("Tables that cannot be followed are refused with the statement that mends them")
    func tables() throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE d (id int PRIMARY KEY DEFERRABLE); CREATE TABLE k (id int);
            CREATE UNLOGGED TABLE u (id int PRIMARY KEY);
            CREATE TABLE g (id int, g int GENERATED ALWAYS AS (id) STORED NOT NULL UNIQUE);
            ALTER TABLE g REPLICA IDENTITY USING INDEX g_g_key;
            CREATE TABLE par (id int PRIMARY KEY);
            CREATE TABLE ch (PRIMARY KEY (id)) INHERITS (par);
            CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10);
            ALTER TABLE leaf REPLICA IDENTITY FULL;
            CREATE TABLE f (j json, t text, p point, a int[]); ALTER TABLE f REPLICA IDENTITY FULL;
            CREATE TABLE r (id int PRIMARY KEY, x par);
            CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE TABLE fn (id int PRIMARY KEY DEFAULT own()); SELECT lo_create(0);
            """)
        let found = try findings(fixture)
        #expect(
            notOK(found).sorted() == [
                "refused column type r x", "refused replica identity d",
                "refused replica identity g g", "refused replica identity k",
                "refused replica identity root", "refused unlogged table u",
                "warning equality f j", "warning equality f p", "warning function fn",
                "warning inheritance par", "warning large objects",
            ])
        let remedies = found.filter { $0.severity == .refused && $0.check != "column type" }
            .compactMap(\.remedy)
        #expect(remedies.count == 5)
        for remedy in remedies { try fixture.admin.run(remedy) }
        #expect(
            notOK(try findings(fixture)).filter { $0.hasPrefix("refused") } == [
                "refused column type r x"
            ])
    }

    @Test("A given publication must cover exactly the tables, whole and all operations")
    func given() throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY);
            CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE c (id int);
            """)
        let tables = try fixture.source.describe(
            ["a", "b", "p"].map { TableName(schema: "public", name: $0) })
        let given = CaptureNames(
            slot: fixture.database.name, publication: "dba", publicationIsGiven: true)
        func check() throws -> Finding? {
            try fixture.source.preflight(given, tables: tables).first {
                $0.check == "publication dba"
            }
        }
        #expect(try check()?.severity == .refused)
        try fixture.admin.run(
            """
            CREATE PUBLICATION dba FOR TABLE a WHERE (id > 1), TABLE p, TABLE c
            WITH (publish = 'insert')
            """)
        let found = try #require(try check())
        #expect(found.severity == .refused)
        for part in [
            "lacks public.b", "also has public.c", "filter", "truncate", "via_partition_root",
        ] {
            #expect(found.detail.contains(part))
        }
        try fixture.admin.run(try #require(found.remedy))
        #expect(try check()?.severity == .ok)
        try fixture.admin.run("DROP PUBLICATION dba; CREATE PUBLICATION dba FOR ALL TABLES")
        let all = try #require(try check())
        #expect(all.severity == .refused)
        try fixture.admin.run(try #require(all.remedy))
        #expect(try check()?.severity == .ok)
    }

    @Test("Slots that cannot be used are refused: two-phase, other plug-in, publication missing")
    func slots() throws {
        let fixture = try SourceFixture("CREATE TABLE t (id int PRIMARY KEY)")
        let drop = "SELECT pg_drop_replication_slot('\(fixture.capture.slot)')"
        let create = "SELECT pg_create_logical_replication_slot('\(fixture.capture.slot)', "
        _ = try fixture.source.install(fixture.capture, tables: [try fixture.describe("t")])
        for (arguments, words) in [
            ("'pgoutput', false, true)", "two-phase"), ("'test_decoding')", "pgoutput"),
        ] {
            try fixture.admin.run(create + arguments)
            let finding = try findings(fixture).first { $0.check.hasPrefix("slot ") }
            #expect(finding?.severity == .refused && finding?.detail.contains(words) == true)
            #expect(throws: ReplicationError.self) {
                try fixture.source.openLog(
                    fixture.capture, routes: [], from: LogPlace(position: .zero))
            }
            try fixture.admin.run(drop)
        }
        try fixture.admin.run("DROP PUBLICATION martlet_test")
        try fixture.admin.run(create + "'pgoutput')")
        #expect(notOK(try findings(fixture)) == ["refused publication martlet_test"])
        #expect(throws: ReplicationError.self) {
            try fixture.source.install(fixture.capture, tables: [try fixture.describe("t")])
        }
        try fixture.admin.run(drop)
    }

    @Test("P38: long open transactions are named before the slot is made")
    func open() throws {
        let fixture = try SourceFixture("CREATE TABLE t (id int PRIMARY KEY)")
        let other = try fixture.database.connect()
        try other.run("BEGIN; INSERT INTO public.t VALUES (1)")
        try fixture.admin.run("SELECT pg_sleep(5.2)")
        let finding = try findings(fixture).first { $0.detail.contains("pid \(other.backendPID):") }
        #expect(finding?.severity == .warning)
        #expect(finding?.remedy == "SELECT pg_terminate_backend(\(other.backendPID))")
    }

    // MARK: Least privilege

    /// An owner that is no superuser, a capture role that owns nothing, both dropped at the end.
    private final class Roles {
        let fixture: SourceFixture
        let owner: String
        let reader: String

        init(_ fixture: SourceFixture) throws {
            self.fixture = fixture
            owner = fixture.database.name + "_o"
            reader = fixture.database.name + "_r"
            try fixture.admin.run(
                """
                CREATE ROLE \(owner) LOGIN; CREATE ROLE \(reader) LOGIN;
                GRANT CREATE ON DATABASE \(fixture.database.name) TO \(owner);
                CREATE SCHEMA app AUTHORIZATION \(owner); SET ROLE \(owner);
                CREATE TABLE app.t (id int PRIMARY KEY, a text);
                INSERT INTO app.t VALUES (1, 'x'), (2, 'y');
                CREATE TABLE app.keyless (a int); INSERT INTO app.keyless VALUES (1); RESET ROLE;
                """)
        }

        func source(_ role: String) -> PostgreSQLSource {
            SourceFixture.source(
                TestDatabase.url(
                    fixture.database.server, database: fixture.database.name, user: role))
        }

        deinit {
            for role in [owner, reader] {
                _ = try? fixture.admin.run("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
            }
        }
    }

    @Test(
        "The owner installs once, a role that only replicates and reads does the rest",
        arguments: TestDatabase.servers)
    func leastPrivilege(server: String) throws {
        let fixture = try SourceFixture(on: server)
        let roles = try Roles(fixture)
        let (owner, reader) = (roles.source(roles.owner), roles.source(roles.reader))
        let capture = fixture.capture
        let tables = try reader.describe(try reader.listTables())
        let before = notOK(try reader.preflight(capture, tables: tables))
        #expect(
            Set(before) == [
                "refused role", "refused publication martlet_test", "refused privilege t",
                "refused privilege keyless", "refused replica identity keyless",
            ])
        #expect(throws: ReplicationError.self) {
            try reader.createCapture(capture, tables: tables.map(\.name))
        }
        try owner.install(capture, tables: tables)
        for grant in try reader.grantStatements(capture, tables: tables) {
            try fixture.admin.run(grant)
        }
        let described = try reader.describe(tables.map(\.name))
        #expect(try owner.installStatements(capture, tables: described) == [])
        #expect(notOK(try reader.preflight(capture, tables: described)) == [])
        let start = try reader.createCapture(capture, tables: described.map(\.name))
        #expect(start.place.position > .zero)
        let route = SourceFixture.route(try #require(described.first { $0.name.name == "t" }))
        let chunks = try reader.openReader(label: "chunk")
        let chunk = try chunks.begin(route)
        #expect(try chunks.copy(route, .everything, format: .copyText) { _ in } == 2)
        try chunks.finish()
        _ = try chunks.settle(chunk)
        _ = try reader.mark("hello")
        #expect(try reader.slotState(capture)?.plugin == "pgoutput")
        try reader.dropSlot(capture)
        try owner.dropPublication(capture)
    }

    @Test(
        "P69: a role that may not read the list of plug-ins tries one, also beside an open writer")
    func plugin() throws {
        let fixture = try SourceFixture(on: "pg17")
        let roles = try Roles(fixture)
        let reader = roles.source(roles.reader)
        let tables = try reader.describe(try reader.listTables())
        func plugin() throws -> [Finding] {
            try reader.preflight(fixture.capture, tables: tables).filter {
                $0.check == "output_plugin_libraries"
            }
        }
        #expect(try plugin() == [])
        try fixture.admin.run("ALTER ROLE \(roles.reader) REPLICATION")
        #expect(try plugin().map(\.detail) == ["pgoutput is accepted"])
        let writer = try fixture.database.connect()
        try writer.run("BEGIN; SELECT pg_current_xact_id()")
        #expect(try plugin().map(\.detail) == ["pgoutput is accepted"])
        try writer.run("ROLLBACK")
        let left = try fixture.admin.run(
            "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'martlet_check%'")
        #expect(left.integer(0, 0) == 0)
    }

    @Test("P40: row level security is refused, and would fail instead of hiding rows")
    func rowSecurity() throws {
        let fixture = try SourceFixture()
        let roles = try Roles(fixture)
        let reader = roles.source(roles.reader)
        let tables = [try fixture.describe("t", schema: "app")]
        for grant in try reader.grantStatements(fixture.capture, tables: tables) {
            try fixture.admin.run(grant)
        }
        try roles.source(roles.owner).install(fixture.capture, tables: tables)
        #expect(notOK(try reader.preflight(fixture.capture, tables: tables)) == [])
        try fixture.admin.run(
            "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON app.t USING (id = 1)"
        )
        let found = try reader.preflight(fixture.capture, tables: tables)
        #expect(notOK(found) == ["refused row level security t"])
        let chunks = try reader.openReader(label: "chunk")
        let route = SourceFixture.route(tables[0])
        _ = try chunks.begin(route)
        #expect(throws: ReplicationError.self) {
            try chunks.copy(route, .everything, format: .copyText) { _ in }
        }
        try chunks.finish()
        try fixture.admin.run(
            try #require(found.first { $0.check == "row level security" }?.remedy))
        #expect(notOK(try reader.preflight(fixture.capture, tables: tables)) == [])
        let owner = roles.source(roles.owner)
        #expect(notOK(try owner.preflight(fixture.capture, tables: tables)) == ["refused role"])
    }
}
