import Foundation
import ReplicationEngine
import ReplicationModel
import Testing

/// The server is the oracle: 10,000 random keys of each kind ordered here, against ORDER BY.
@Suite("Order of keys, compared with PostgreSQL 17")
struct KeyOrderServerTests {
    struct Kind: Sendable, CustomStringConvertible {
        var type: String
        var kind: ValueKind
        var collation: String?
        /// A SQL expression that gives a random value of the type.
        var value: String
        var description: String { type }
    }

    static let kinds = [
        Kind(type: "int2", kind: .int16, value: "(random() * 65535 - 32768)::int2"),
        Kind(type: "int4", kind: .int32, value: "(random() * 4294967295 - 2147483648)::int4"),
        Kind(
            type: "int8", kind: .int64,
            value: "(((random() * 4294967295 - 2147483648)::int8 << 32) >> (i % 60))::int8"),
        Kind(type: "oid", kind: .oid, value: "((random() * 4294967295)::int8)::oid"),
        Kind(type: "uuid", kind: .uuid, value: "gen_random_uuid()"),
        Kind(
            type: "bytea", kind: .bytes,
            value: """
                decode(substr(repeat(chr(48 + i % 3), 4) || md5(random()::text), 1 + i % 5, \
                2 * (i % 12)), 'hex')
                """),
        Kind(type: "text", kind: .text, collation: "pg_catalog.\"C\"", value: text),
        Kind(type: "varchar", kind: .text, collation: "pg_catalog.\"C\"", value: text),
    ]

    /// Up to four characters of every plane, with ASCII between; no surrogates, no zero.
    private static let text = """
        (SELECT coalesce(string_agg(chr(CASE WHEN c BETWEEN 55296 AND 57343 THEN c - 2048 \
        ELSE greatest(c, 1) END), ''), '') FROM (SELECT (CASE WHEN (i + g) % 3 = 0 \
        THEN random() * 127 ELSE ((i + g) % 17) * 65536 + random() * 65535 END)::int AS c \
        FROM generate_series(1, i % 5) g) x)
        """

    @Test("Sorting here gives the server's order", arguments: kinds)
    func sameOrder(_ kind: Kind) throws {
        let collate = kind.collation.map { " COLLATE \($0)" } ?? ""
        let keys = try Self.query(
            """
            WITH k AS MATERIALIZED (SELECT (\(kind.value))::\(kind.type) AS k \
            FROM generate_series(1, 10000) i) \
            SELECT encode(convert_to(k::text, 'UTF8'), 'hex') FROM (SELECT DISTINCT k FROM k) d \
            ORDER BY k\(collate)
            """
        ).map { Key([Self.bytes(hex: $0)]) }
        #expect(keys.count > 2000)
        let order = KeyOrder([KeyOrderTests.column(kind.kind, collation: kind.collation)])
        let sortable = try keys.map { try #require(order.sortable($0)) }
        let wrong = zip(sortable, sortable.dropFirst()).filter { !$0.precedes($1) }.count
        #expect(wrong == 0, "\(wrong) neighbours in another order")
    }

    /// Rows of one column, through psql: this module does not see libpq.
    private static func query(_ sql: String) throws -> [Substring] {
        let environment = ProcessInfo.processInfo.environment
        let lab = environment["MARTLET_LAB"] ?? "/var/lib/martlet-lab"
        let base = environment["MARTLET_LAB_PORT_BASE"].flatMap { Int($0) } ?? 54300
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "\(lab)/run/pg17", "-p",
            "\(base + 17)", "-U", "postgres", "-d", "postgres", "-c", sql,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "psql failed")
        let text = String(decoding: data, as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }

    private static func bytes(hex: Substring) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap { at in
            let start = hex.utf8.index(hex.startIndex, offsetBy: at)
            return UInt8(hex[start..<hex.utf8.index(start, offsetBy: 2)], radix: 16)
        }
    }
}
