import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

@Suite(.serialized) struct SnapshotReaderTests {
    /// Key definition, key columns, and an expression of `i` for each.
    struct Keyed: Sendable, CustomTestStringConvertible {
        var name: String
        var key = "a"
        var columns: String
        var values: String
        var testDescription: String { name }
    }

    static let keyed = [
        Keyed(name: "int", columns: "a int", values: "i * 7919 % 100003 - 50000"),
        Keyed(name: "ICU text", columns: "a text COLLATE icu", values: text),
        Keyed(name: "libc text", columns: "a text COLLATE \"C.utf8\"", values: text),
        Keyed(name: "default text", columns: "a varchar(99)", values: text),
        Keyed(name: "C text", columns: "a text COLLATE \"C\"", values: text),
        Keyed(name: "char", columns: "a char(40)", values: text),
        Keyed(name: "uuid", columns: "a uuid", values: "md5(i::text)::uuid"),
        Keyed(name: "numeric", columns: "a numeric", values: "(sin(i) * 1e9)::numeric / 7"),
        Keyed(name: "float8", columns: "a float8", values: "tan(i) * 1e3"),
        Keyed(name: "bytea", columns: "a bytea", values: "decode(md5(i::text), 'hex')"),
        Keyed(
            name: "timestamptz", columns: "a timestamptz",
            values: "timestamptz '0044-01-01 BC' + i * interval '137 h 0.000017 s'"),
        Keyed(
            name: "date and enum", key: "a, b", columns: "a date, b mood",
            values: "date '2000-01-01' + i / 3, (enum_range(NULL::mood))[1 + i % 3]"),
        Keyed(name: "citext", columns: "a citext", values: "chr(65 + i % 2 * 32 + i % 26) || i"),
        Keyed(
            name: "int and citext", key: "a, b", columns: "a int, b citext",
            values: "i % 10, chr(65 + i % 2 * 32 + i % 26) || i"),
        Keyed(
            name: "domain over ICU text and numeric", key: "a, b",
            columns: "a icu_d, b numeric(20,5)",
            values: "chr(97 + i % 5), i * 3.7 % 1000 + i / 100000.0"),
        Keyed(
            name: "inet, array and bool", key: "a, b, c", columns: "a inet, b int[], c bool",
            values: "inet '10.0.0.0' + i / 7, ARRAY[i % 7], i % 2 = 0"),
        Keyed(
            name: "quotes and backslashes", key: "a, \"B \"\"c\"",
            columns: "a text, \"B \"\"c\" text",
            values: "E'it''s \\\\ ' || i % 11, E'\\t' || i"),
    ]

    private static let text =
        "(ARRAY['a','B','ä','ß','_','é','Z','-',' ','1'])[1 + i % 10] "
        + "|| md5((i * 31)::text) || i"

    private static let types = """
        CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('zoo', 'ok', 'a');
        CREATE COLLATION icu (provider = icu, locale = 'de-AT');
        CREATE DOMAIN icu_d AS text COLLATE icu;
        """

    /// One database with a table `t0`, `t1`, ... for each kind of key.
    static func fixture(rows: Int, _ keyed: [Keyed] = keyed) throws -> SourceFixture {
        let tables = keyed.enumerated().map { at, one in
            """
            CREATE TABLE t\(at) (\(one.columns), pad text, PRIMARY KEY (\(one.key)));
            INSERT INTO t\(at) SELECT \(one.values), 'pad ' || i FROM generate_series(1, \(rows)) i
              ON CONFLICT DO NOTHING;
            """
        }
        return try SourceFixture(types + tables.joined())
    }

    /// Cuts the table like a load does; returns the cuts and the lines of every chunk.
    static func chunks(_ fixture: SourceFixture, _ table: String, rows: Int) throws -> (
        cuts: [Key], lines: [[String]]
    ) {
        let route = try fixture.route(table)
        let reader = try fixture.source.openReader(label: "chunk")
        var cuts: [Key] = []
        var lines: [[String]] = []
        while true {
            let cut = try reader.cut(route, after: cuts.last, rows: rows)
            _ = try reader.begin(route)
            var found = Rows()
            let count = try reader.copy(
                route, KeyRange(after: cuts.last, through: cut), format: .copyText
            ) { found.take($0) }
            try reader.finish()
            #expect(found.lines.count == Int(count))
            lines.append(found.lines)
            guard let cut else { return (cuts, lines) }
            cuts.append(cut)
        }
    }

    @Test("A16: chunks of any key partition the table exactly")
    func partition() throws {
        let fixture = try Self.fixture(rows: 1000)
        for (at, keyed) in Self.keyed.enumerated() {
            let total = try fixture.admin.run("SELECT count(*) FROM t\(at)").integer(0, 0)
            let (cuts, chunks) = try Self.chunks(fixture, "t\(at)", rows: 173)
            let all = chunks.flatMap { $0 }
            #expect(Int64(all.count) == total && all.count > 300, "\(keyed.name)")
            #expect(Set(all).count == all.count, "\(keyed.name)")
            let isOne = try fixture.route("t\(at)").isOneChunk
            #expect(cuts.count == (isOne ? 0 : all.count / 173), "\(keyed.name)")
            #expect(chunks.dropLast().allSatisfy { $0.count == 173 }, "\(keyed.name)")
        }
    }

    @Test("Cutting and reading a chunk go through the key's index")
    func usesIndex() throws {
        let all = try Self.fixture(rows: 1)
        let keyed = try Self.keyed.indices.filter { try !all.route("t\($0)").isOneChunk }
            .map { Self.keyed[$0] }
        let fixture = try Self.fixture(rows: 3000, keyed)
        let first = try keyed.indices.map { at in
            try fixture.source.openReader(label: "chunk").cut(
                try fixture.route("t\(at)"), after: nil, rows: 200)
        }
        var reader: (any TableReader)? = try fixture.source.openReader(label: "chunk")
        let before = try Self.rowsRead(fixture, least: 200)
        for at in keyed.indices {
            let route = try fixture.route("t\(at)")
            let lower = try #require(first[at])
            let upper = try #require(try reader?.cut(route, after: lower, rows: 50))
            _ = try reader?.copy(
                route, KeyRange(after: lower, through: upper), format: .copyText
            ) { _ in }
        }
        // Ending a session makes it report what it counted.
        reader = nil
        let after = try Self.rowsRead(fixture, least: before.map(\.indexed).min()! + 100)
        for (at, keyed) in keyed.enumerated() {
            #expect(after[at].sequential == 0, "\(keyed.name)")
            // Two look-ups of 50 rows; spelt-out comparisons also pass ties of the first column.
            let read = after[at].indexed - before[at].indexed
            #expect((100...1500).contains(read), "\(keyed.name): \(read)")
        }
    }

    /// Statistics reach the view when the reader's session reports them.
    private static func rowsRead(_ fixture: SourceFixture, least: Int64) throws -> [(
        sequential: Int64, indexed: Int64
    )] {
        var found: [(sequential: Int64, indexed: Int64)] = []
        for _ in 0..<100 {
            let rows = try fixture.admin.run(
                """
                SELECT s.seq_tup_read, i.idx_tup_read FROM pg_stat_user_tables s
                JOIN pg_stat_user_indexes i USING (relid)
                ORDER BY substr(s.relname, 2)::int
                """)
            found = (0..<rows.rowCount).map {
                (sequential: rows.integer($0, 0) ?? 0, indexed: rows.integer($0, 1) ?? 0)
            }
            if found.allSatisfy({ $0.indexed >= least }) { break }
            Thread.sleep(forTimeInterval: 0.1)
        }
        return found
    }

    @Test(
        "Text and binary blocks hold whole rows, no header or trailer",
        arguments: TestDatabase.servers)
    func blocks(server: String) throws {
        let fixture = try SourceFixture(
            on: server,
            """
            CREATE TABLE t (
                id int PRIMARY KEY, g int GENERATED ALWAYS AS (id) STORED, a text, b bytea);
            INSERT INTO t (id, a, b)
                SELECT i, repeat('x', i % 700), '\\x00' FROM generate_series(1, 5000) i;
            INSERT INTO t (id, a, b) VALUES (0, NULL, NULL), (-1, repeat('y', 200000), '');
            """)
        let route = try fixture.route("t")
        let reader = try fixture.source.openReader(label: "chunk")
        for format in [RowFormat.copyText, .copyBinary] {
            _ = try reader.begin(route)
            var rows = Rows()
            let count = try reader.copy(route, .everything, format: format) { rows.take($0) }
            try reader.finish()
            #expect(count == 5002)
            #expect(rows.blocks > 20 && rows.largest < 210_000)
            if format == .copyText { #expect(rows.lines.count == 5002) }
            if format == .copyBinary {
                #expect(rows.binaryTuples?.count == 5002)
                #expect(rows.binaryTuples?.allSatisfy { $0 == 3 } == true)
            }
        }
        try fixture.admin.run("TRUNCATE t")
        for format in [RowFormat.copyText, .copyBinary] {
            var rows = Rows()
            #expect(try reader.copy(route, .everything, format: format) { rows.take($0) } == 0)
            #expect(rows.blocks == 0)
        }
    }

    @Test("A sink that throws leaves the reader usable")
    func sinkThrows() throws {
        let fixture = try Self.fixture(rows: 20000, [Self.keyed[0]])
        let route = try fixture.route("t0")
        let reader = try fixture.source.openReader(label: "chunk")
        _ = try reader.begin(route)
        #expect(throws: ReplicationError.self) {
            try reader.copy(route, .everything, format: .copyText) { _ in
                throw ReplicationError(.spoolFull, "test", why: "test")
            }
        }
        try reader.finish()
        _ = try reader.begin(route)
        #expect(try reader.copy(route, .everything, format: .copyText) { _ in } == 20000)
    }

    @Test("P41, P42: a parent is read alone, a partitioned root whole")
    func inheritance() throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent);
            INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);
            CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE leaf1 PARTITION OF root FOR VALUES FROM (0) TO (10);
            CREATE TABLE leaf2 PARTITION OF root FOR VALUES FROM (10) TO (100);
            INSERT INTO root SELECT generate_series(0, 49);
            """)
        let reader = try fixture.source.openReader(label: "chunk")
        let parent = try fixture.route("parent")
        _ = try reader.begin(parent)
        #expect(try reader.copy(parent, .everything, format: .copyText) { _ in } == 1)
        try reader.finish()
        let root = try fixture.route("root")
        let cut = try #require(try reader.cut(root, after: nil, rows: 30))
        #expect(cut.texts == ["29"])
        _ = try reader.begin(root)
        let range = KeyRange(after: Key(texts: ["4"]), through: cut)
        #expect(try reader.copy(root, range, format: .copyText) { _ in } == 25)
        try reader.finish()
    }

    @Test("P36: the snapshot tells committed, running and later transactions apart")
    func visibility() throws {
        let fixture = try SourceFixture("CREATE TABLE t (id int PRIMARY KEY)")
        let route = try fixture.route("t")
        func xid(_ session: PGConnection, _ id: Int) throws -> TransactionID {
            try session.run("BEGIN; INSERT INTO public.t VALUES (\(id))")
            let text = try session.run("SELECT pg_current_xact_id()").text(0, 0)
            return TransactionID(rawValue: UInt64(text ?? "") ?? 0)
        }
        let done = try xid(fixture.admin, 1)
        try fixture.admin.run("COMMIT")
        let other = try fixture.database.connect()
        let running = try xid(other, 2)
        let between = try xid(fixture.admin, 3)
        try fixture.admin.run("COMMIT")
        let reader = try fixture.source.openReader(label: "chunk")
        let chunk = try reader.begin(route)
        let late = try xid(fixture.admin, 4)
        try fixture.admin.run("COMMIT")
        try other.run("COMMIT")
        let snapshot = try #require(chunk.visibility)
        #expect(snapshot.sees(done) && snapshot.sees(between))
        #expect(!snapshot.sees(running) && !snapshot.sees(late))
        #expect(chunk.fingerprint == route.source.fingerprint)
        var rows = Rows()
        _ = try reader.copy(route, .everything, format: .copyText) { rows.take($0) }
        #expect(rows.lines.sorted() == ["1", "3"])
        try reader.finish()
        let after = try LogPosition(
            parsing: fixture.admin.run("SELECT pg_current_wal_lsn()").text(0, 0) ?? "")
        #expect(try #require(after) > chunk.position)
    }

    @Test("A chunk waits for ALTER TABLE only so long and is not read across it")
    func lock() throws {
        let fixture = try SourceFixture(
            "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
        let route = try fixture.route("t")
        let reader = try fixture.source.openReader(label: "chunk")
        try fixture.admin.run("BEGIN; ALTER TABLE t ALTER id TYPE bigint")
        let error = #expect(throws: ReplicationError.self) { try reader.begin(route) }
        #expect(error?.kind == .serverBusy)
        #expect(error?.table == route.source.name)
        try reader.finish()
        try fixture.admin.run("COMMIT")
        #expect(try reader.begin(route).fingerprint != route.source.fingerprint)
        #expect(try reader.copy(route, .everything, format: .copyText) { _ in } == 1)
        try reader.finish()
    }

    @Test("Rows of an asynchronous commit and of an idle transaction become durable")
    func durable() throws {
        let fixture = try SourceFixture("CREATE TABLE t (id int PRIMARY KEY)")
        let reader = try fixture.source.openReader(label: "chunk")
        let idle = try fixture.database.connect()
        try idle.run("BEGIN; INSERT INTO public.t VALUES (1)")
        try fixture.admin.run("SET synchronous_commit = off; INSERT INTO t VALUES (2)")
        let chunk = try reader.begin(fixture.route("t"))
        try reader.finish()
        #expect(try reader.settle(chunk).position == chunk.position)
        let flushed = try fixture.admin.run("SELECT pg_current_wal_flush_lsn()").text(0, 0)
        #expect(try #require(LogPosition(parsing: flushed ?? "")) >= chunk.position)
        try idle.run("ROLLBACK")
    }
}
