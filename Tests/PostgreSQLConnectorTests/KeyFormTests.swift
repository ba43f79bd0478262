import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel
import Testing

/// The server is the oracle: its own equality over texts chosen to be near each other.
@Suite(.serialized) struct KeyFormTests {
    static let declarations: [(type: String, texts: [String])] = [
        ("bool", ["t", "f"]), ("int2", ["0", "1"]), ("int4", ["0", "1"]), ("int8", ["0", "1"]),
        ("oid", ["0", "1"]), ("money", ["0", "1.10"]),
        (
            "uuid",
            [
                "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001",
            ]
        ),
        ("bytea", ["", "\\x00", "\\x0000"]), ("date", ["infinity", "2024-02-29", "0044-03-15 BC"]),
        ("time", ["00:00", "24:00", "23:59:60"]),
        ("timetz", ["24:00+00", "00:00+00", "01:00+01", "23:00-01"]),
        ("timestamp", ["2024-01-01 24:00", "2024-01-02", "-infinity"]),
        ("timestamptz", ["2024-01-01 00:00+00", "2024-01-01 01:00+01", "infinity"]),
        ("bit varying", ["", "0", "00", "000"]), ("bit(3)", ["000", "100"]),
        ("inet", ["10.0.0.0", "10.0.0.0/8", "10.0.0.0/32", "::ffff:10.0.0.0"]),
        ("cidr", ["10.0.0.0/8", "10.0.0.0/32", "::/128"]),
        ("macaddr", ["08:00:2b:01:02:03"]), ("macaddr8", ["08:00:2b:01:02:03"]),
        ("mood", ["a", "A"]), ("text", ["a", "A", "a ", "\u{e9}", "e\u{301}"]),
        ("varchar(9)", ["a", "A", "a ", ""]), ("name", ["a", "A", "a "]),
        ("text COLLATE folding", ["a", "A"]), ("folded", ["a", "A"]),
        ("char(4)", ["a", "a ", "A"]), ("bpchar", ["a", "a ", "A"]), ("citext", ["a", "A"]),
        ("numeric", ["1", "1.0", "1.00", "100", "0", "0.00", "-0.0", "10.10", "NaN", "1e30"]),
        ("numeric(9,2)", ["1", "1.0", "1.004", "0", "-0.00"]), ("numeric(4,-2)", ["100", "101"]),
        ("trimmed", ["1", "1.0"]),
        ("float4", ["0", "-0", "NaN", "1e-45", "0.1"]), ("float8", ["0", "-0", "0.1", "10"]),
        ("interval", ["1 day", "24:00:00", "1 month", "30 days"]),
        ("jsonb", ["1", "1.0", #"{"a": 1}"#, #"{"a": 1.0}"#]),
        ("numeric[]", ["{1}", "{1.0}"]), ("numrange", ["[1,2)", "[1.0,2)"]),
        ("pair", ["(1,1)", "(1.0,1)"]),
    ]

    @Test("Texts of equal keys share a form, and no others do")
    func forms() throws {
        let fixture = try SourceFixture(
            """
            CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('a', 'A');
            CREATE COLLATION folding (PROVIDER = icu, LOCALE = 'und-u-ks-level2',
              DETERMINISTIC = false);
            CREATE DOMAIN folded AS text COLLATE folding; CREATE DOMAIN trimmed AS numeric;
            CREATE TYPE pair AS (a numeric, b int);
            """)
        for (index, one) in Self.declarations.enumerated() {
            try fixture.admin.run("CREATE TABLE t\(index) (k \(one.type) PRIMARY KEY)")
            let column = try fixture.describe("t\(index)").columns[0]
            try compare(one.texts, column, in: "t\(index)", fixture)
        }
    }

    /// Each text becomes what the table stores; then every pair is asked of the key's equality.
    private func compare(
        _ texts: [String], _ column: Column, in table: String, _ fixture: SourceFixture
    ) throws {
        let list = texts.map { "('" + $0.replacing("'", with: "''") + "')" }
        let type = column.type.declaration
        let folding = column.isFolding ? " COLLATE folding" : ""
        let pairs = try fixture.admin.run(
            """
            WITH v(k) AS (SELECT k::\(type) FROM (VALUES \(list.joined(separator: ", "))) x(k))
            SELECT a.k::text, b.k::text, a.k = b.k\(folding) FROM v a, v b
            """)
        #expect(pairs.rowCount == texts.count * texts.count)
        guard column.keyForm != .unknown else { return }
        for row in 0..<pairs.rowCount {
            let forms = (0...1).map {
                column.keyForm.canonical(Array((pairs.text(row, $0) ?? "").utf8))
            }
            #expect((forms[0] == forms[1]) == pairs.boolean(row, 2), "\(type), pair \(row)")
        }
    }

    @Test("Only these types have no form: their tables are one chunk, and check says so")
    func unknown() throws {
        let fixture = try SourceFixture(
            """
            CREATE TABLE i (k interval PRIMARY KEY, v int NOT NULL UNIQUE);
            INSERT INTO i SELECT g * interval '1 s', g FROM generate_series(1, 50) g;
            CREATE TABLE n (k numeric PRIMARY KEY); INSERT INTO n SELECT generate_series(1, 50)
            """)
        let tables = try fixture.source.describe(try fixture.source.listTables())
        let found = try fixture.source.preflight(fixture.capture, tables: tables)
        let warned = found.filter { $0.check == "key" }
        #expect(warned.map(\.table?.name) == ["i"])
        #expect(warned.first?.column == "k")
        let reader = try fixture.source.openReader(label: "test")
        #expect(try reader.cut(fixture.route("i"), after: nil, rows: 10) == nil)
        #expect(try reader.cut(fixture.route("n"), after: nil, rows: 10)?.texts == ["10"])
        try fixture.admin.run("ALTER TABLE i REPLICA IDENTITY USING INDEX i_v_key")
        #expect(try reader.cut(fixture.route("i"), after: nil, rows: 10)?.texts == ["10"])
    }
}
