import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

/// The server is the oracle: its own equality over values chosen to be near each other, and the
/// texts that a reader gives of them.
@Suite("Forms of keys in MySQL and MariaDB")
struct KeyFormTests {
    private static let near = [
        "'a'", "'A'", "'a '", "'a  '", "'\u{e9}'", "'e\u{301}'", "'e'", "''",
    ]

    private static let texts: [(type: String, values: [String])] =
        [
            "varchar(9) COLLATE utf8mb4_general_ci", "varchar(9) COLLATE utf8mb4_bin",
            "varchar(9) COLLATE utf8mb4_unicode_520_ci", "char(9) COLLATE utf8mb4_bin",
            "char(9) COLLATE utf8mb4_general_ci", "varchar(9) CHARACTER SET utf8mb3",
            "varchar(9) CHARACTER SET ucs2", "varchar(9) CHARACTER SET utf16 COLLATE utf16_bin",
        ].map { ($0, near) }

    private static let own: [String: [(type: String, values: [String])]] = [
        "mysql": [
            "varchar(9) COLLATE utf8mb4_0900_bin", "varchar(9) COLLATE utf8mb4_0900_as_cs",
            "varchar(9) COLLATE utf8mb4_0900_ai_ci", "char(9) COLLATE utf8mb4_0900_bin",
        ].map { ($0, near) },
        "mariadb": [
            "varchar(9) COLLATE utf8mb4_nopad_bin", "varchar(9) COLLATE utf8mb4_general_nopad_ci",
            "char(9) COLLATE utf8mb4_nopad_bin",
        ].map { ($0, near) } + [
            ("inet6", ["'::1'", "'::ffff:1.2.3.4'", "'0::1'"]),
            (
                "uuid",
                ["'6ccd780c-baba-1026-9564-5b8c656024db'", "'6CCD780CBABA102695645B8C656024DB'"]
            ),
        ],
    ]

    private static let others: [(type: String, values: [String])] = [
        ("int", ["0", "-0", "1"]), ("int unsigned zerofill", ["0", "1"]),
        ("bigint unsigned", ["0", "18446744073709551615"]),
        ("decimal(9,2)", ["0", "-0.00", "1", "1.0", "1.10"]), ("bit(9)", ["0", "1", "b'100'"]),
        ("year", ["'0000'", "2000", "2001"]), ("date", ["'2024-01-01'", "'2024-01-02'"]),
        ("time(3)", ["'24:00:00'", "'-24:00'", "'00:00:00.5'", "'00:00:00.500'", "'-00:00'"]),
        ("datetime(6)", ["'2024-01-01'", "'2024-01-01 00:00:00.000001'"]),
        ("timestamp(6)", ["'2024-01-01'", "'2024-01-01 00:00:00.000001'"]),
        ("varbinary(9)", ["''", "x'00'", "x'0000'", "'a'", "'A'", "'a '"]),
        ("binary(3)", ["''", "x'00'", "x'0000'", "'a'", "'A'", "'a '"]),
        ("enum('a','A','b') COLLATE utf8mb4_bin", ["'a'", "'A'", "'b'"]),
        ("set('a','b')", ["''", "'a'", "'b,a'", "'a,b'"]),
    ]

    @Test("Texts of equal keys share a form, and no others do", arguments: TestServer.all)
    func forms(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        let own = Self.own[server.hasPrefix("mysql") ? "mysql" : "mariadb"] ?? []
        for (index, one) in (Self.texts + own + Self.others).enumerated() {
            let key = one.type.contains("COLLATE") ? "PRIMARY KEY" : "NOT NULL"
            try connection.run("CREATE TABLE k\(index) (k \(one.type) \(key))")
            try connection.run(
                "CREATE TABLE t\(index) (n INT AUTO_INCREMENT PRIMARY KEY, k \(one.type) NOT NULL)")
            for value in one.values {
                try connection.run("INSERT INTO t\(index) (k) VALUES (\(value))")
            }
            try compare("t\(index)", one.type, database)
        }
    }

    private func compare(_ table: String, _ type: String, _ database: TestServer) throws {
        let route = try database.route(table)
        let reader = try database.source.openReader(label: "test")
        _ = try reader.begin(route)
        var bytes: [UInt8] = []
        _ = try reader.copy(route, .everything, format: .copyText) { bytes.append(contentsOf: $0) }
        let texts = bytes.split(separator: UInt8(ascii: "\n")).map {
            Array($0.drop { $0 != UInt8(ascii: "\t") }.dropFirst())
        }
        let form = route.columns[1].keyForm
        let pairs = try database.connect().query(
            "SELECT a.k = b.k FROM \(table) a, \(table) b ORDER BY a.n, b.n")
        #expect(pairs.rowCount == texts.count * texts.count)
        guard form != .unknown else {
            #expect(pairs.column(0).count { $0 == "1" } > texts.count, "\(type) could have a form")
            return
        }
        for row in 0..<pairs.rowCount {
            let forms = [row / texts.count, row % texts.count].map { form.canonical(texts[$0]) }
            #expect((forms[0] == forms[1]) == (pairs.text(row, 0) == "1"), "\(type), pair \(row)")
        }
    }

    private static let folding = [
        "utf8mb4_general_ci", "utf8mb4_unicode_520_ci", "utf8mb4_bin", "latin1_swedish_ci",
    ]
    private static let foldingOfOne = [
        "mysql": ["utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_ja_0900_as_cs_ks"],
        "mariadb": ["utf8mb4_uca1400_ai_ci", "utf8mb4_general_nopad_ci"],
    ]

    /// Texts of few letters, so that many are equal but for their writing; some of them begin
    /// alike for longer than a sort looks by default.
    private func writings(_ letters: [String], long: Bool) -> [String] {
        var seed: UInt64 = 7
        func next(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        return (0..<300).map { _ in
            let begin = long ? String(repeating: "a", count: 600) : ""
            return begin + (0..<next(5)).map { _ in letters[next(letters.count)] }.joined()
        }
    }

    @Test("Keys in any writing are placed where the server finds them", arguments: TestServer.all)
    func placed(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        let own = Self.foldingOfOne[server.hasPrefix("mysql") ? "mysql" : "mariadb"] ?? []
        for (index, collation) in (Self.folding + own).enumerated() {
            let letters =
                ["a", "A", "b", "z", " ", "\u{e4}", "ss", "-"]
                + (collation.hasPrefix("latin1") ? [] : ["e\u{301}", "\u{e9}", "\u{df}", "Z"])
            for long in [false, true] {
                let table = "t\(index)\(long ? "l" : "s")"
                let keys = writings(letters, long: long)
                try connection.run(
                    "CREATE TABLE \(table) (k VARCHAR(700) COLLATE \(collation) PRIMARY KEY)")
                try connection.run(
                    "INSERT IGNORE INTO \(table) VALUES "
                        + keys.map { "('\($0)')" }.joined(separator: ", "))
                try place(keys, table, collation, database)
            }
        }
    }

    private func place(
        _ writings: [String], _ table: String, _ collation: String, _ database: TestServer
    ) throws {
        let route = try database.route(table)
        let reader = try database.source.openReader(label: "test")
        var cuts: [Key] = []
        while let cut = try reader.cut(route, after: cuts.last, rows: 9) { cuts.append(cut) }
        #expect(cuts.count > 3, "\(collation)")
        let keys = writings.map { Key(texts: [$0]) }
        let found = try database.source.locate(keys, in: route, among: cuts)
        let connection = try database.connect()
        for (at, writing) in writings.enumerated() {
            // The server finds each in the table by any writing, and reads it in one chunk only.
            let text = KeyText(route, connection.flavour)
            let ranges = zip([nil] + cuts, cuts + [nil]).map { KeyRange(after: $0, through: $1) }
            let range = try text.condition("x", ranges[found[at]]) ?? "TRUE"
            let rows = try connection.query(
                "SELECT COUNT(*) FROM \(table) x WHERE k = '\(writing)' AND \(range)")
            #expect(rows.text(0, 0) == "1", "\(collation): \(found[at]) of \(cuts.count)")
        }
    }
}
