import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

@testable import MySQLConnector

@Suite("What the data of MySQL and MariaDB holds")
struct CensusTests {
    /// Declaration, trait, literals that have it, literals that have not.
    private static let values: [(String, ValueTrait, [String], [String])] = [
        (
            "DATE", .noDay,
            ["'0000-00-00'", "'2024-00-01'", "'2024-01-00'", "'2023-02-29'", "'2024-04-31'"],
            [
                "'2024-02-29'", "'2000-02-29'", "'9999-12-31'", "'1000-01-01'", "'2024-12-31'",
                "NULL",
            ]
        ),
        (
            "DATETIME(6)", .noDay, ["'0000-00-00'", "'2024-02-30 12:00:00.5'"],
            ["'2024-02-29 23:59:59.999999'"]
        ),
        ("TIMESTAMP NULL", .noDay, ["'0000-00-00'"], ["'1970-01-01 00:00:01'"]),
        (
            "VARCHAR(9)", .nulByte, ["CONCAT('a', CHAR(0))", "CHAR(0)"],
            ["''", "'a'", "'0'", "'\u{1F426}'", "NULL"]
        ),
        (
            "VARCHAR(9) CHARACTER SET utf16", .nulByte, ["CONCAT('a', CHAR(0 USING utf8mb4))"],
            ["'a'", "'\u{fc}'"]
        ),
        ("VARCHAR(9) COLLATE utf8mb4_unicode_ci", .nulByte, ["CHAR(0)"], ["'a'", "''"]),
        (
            "BIGINT UNSIGNED", .above("9223372036854775807"), ["9223372036854775808"],
            ["9223372036854775807"]
        ),
        ("ENUM('a','b')", .noLabel, ["0"], ["'a'", "'b'", "NULL"]),
        (
            "VARCHAR(9)", .longer(3), ["'\u{1F426}\u{1F426}\u{1F426}\u{1F426}'"],
            ["'\u{1F426}'", "''"]
        ),
        ("VARBINARY(9)", .longer(3), ["x'00000000'"], ["x'000000'"]),
        ("LONGTEXT", .larger(3), ["'\u{1F426}'", "'abcd'"], ["'abc'", "''", "NULL"]),
        ("LONGBLOB", .larger(3), ["x'00000000'"], ["x'000000'"]),
        (
            "TIMESTAMP(6) NULL", .outside(from: nil, before: "2038-01-19 03:14:08"), [],
            ["'2038-01-19 03:14:07'", "NULL"]
        ),
        ("JSON", .deeper(2), ["'[[1]]'"], ["'[1]'", "NULL"]),
        ("DOUBLE", .notFinite, [], ["1", "NULL"]),
        ("VARCHAR(9)", .invalidText, [], ["'a'", "'\u{fc}'", "NULL"]),
        ("VARCHAR(9) CHARACTER SET latin1", .invalidText, [], ["'a'", "'\u{fc}'"]),
    ]

    private static let own: [String: [(String, ValueTrait, [String], [String])]] = [
        "mysql97": [
            ("FLOAT", .negativeZero, ["-0e0"], ["0", "-1"]),
            (
                "JSON", .rounded, ["JSON_ARRAY(CAST(1.10 AS DECIMAL(9,2)))"],
                ["'[0.1, 1e300, 2, \"1.10\"]'", "JSON_ARRAY(CAST(1.5 AS DECIMAL(9,1)))", "NULL"]
            ),
        ],
        "mariadb118": [
            (
                "TIMESTAMP NULL", .outside(from: nil, before: "2038-01-19 03:14:08"),
                ["'2038-01-19 03:14:08'", "'2106-02-07 06:28:15'"], ["'2038-01-19 03:14:07'"]
            ),
            ("VARCHAR(9) CHARACTER SET ascii", .invalidText, ["x'ff'"], ["'a'"]),
        ],
    ]

    @Test("Counts exactly the rows that a target would refuse", arguments: TestServer.all)
    func counts(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        for (index, value) in (Self.values + Self.own[server, default: []]).enumerated() {
            let (type, trait, having, others) = value
            try connection.run("CREATE TABLE t\(index) (id INT PRIMARY KEY, v \(type))")
            // Not strict: the '' of an enum comes from such a session.
            try connection.run("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
            for (id, text) in (having + others).enumerated() {
                try connection.run("INSERT INTO t\(index) VALUES (\(id), \(text))")
            }
            let table = try database.route("t\(index)").source
            let question = ValueQuestion(trait, of: table.columns[1], in: table.name)
            let census = try database.source.census(table, [question], whole: false)
            #expect(census.rows == having.count + others.count)
            #expect(census.isWhole)
            #expect(census.answers[0].rows == having.count, "\(type) \(trait)")
            let keys = census.answers[0].keys.map { $0.joined() }.sorted()
            #expect(keys == having.indices.map(String.init), "\(type) \(trait)")
        }
    }

    @Test("Of a large table both ends are looked at, or all of it", arguments: TestServer.all)
    func ends(_ server: String) throws {
        let database = try TestServer(on: server)
        let connection = try database.connect(.target)
        try connection.run("CREATE TABLE t (a INT, b VARBINARY(3), v INT, PRIMARY KEY (b, a))")
        for id in 0..<100 {
            try connection.run("INSERT INTO t VALUES (\(id), x'00', \(id % 10))")
        }
        let table = try database.route("t").source
        let scan = ValueScan(
            origin: SQLText.name(table.name), key: ["`b`", "`a`"], shownKey: ["HEX(b)", "`a`"],
            columns: ["`v`"], conditions: ["v = 9", "v > 100"])
        func census(_ whole: Bool, _ rows: Int) throws -> ValueCensus {
            try scan.census(whole: whole, sampleRows: rows) { try connection.query($0).rows }
        }
        let part = try census(false, 10)
        #expect(part.rows == 20 && !part.isWhole)
        #expect(part.answers.map(\.rows) == [2, 0])
        #expect(Set(part.answers[0].keys) == [["00", "9"], ["00", "99"]])
        for census in [try census(true, 10), try census(false, 60)] {
            #expect(census.rows == 100 && census.isWhole)
            #expect(census.answers.map(\.rows) == [10, 0])
            #expect(census.answers[0].keys.count == 5)
        }
    }
}
