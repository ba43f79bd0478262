import Foundation
import ReplicationModel
import Testing

@testable import SQLiteConnector

/// What PostgreSQL 18.6 sent, against what it says the values are: the server is the oracle, and
/// its JSON is read by another reader than the one under test.
@Suite("I8: values of a server")
struct ServerValueTests {
    static let kinds: [ValueKind] = [
        .int32, .boolean, .int16, .int32, .int64, .oid, .float32, .float64, .numeric, .numeric,
        .money, .text, .text, .fixedText, .bytes, .uuid, .date, .time, .timeWithZone, .timestamp,
        .timestampWithZone, .interval, .json, .jsonBinary, .xml, .bits, .bits, .network, .network,
        .network, .enumeration, .array, .array, .range, .composite, .other, .other,
    ]

    static func fixture(_ name: String) throws -> Data {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try Data(contentsOf: tests.appending(path: "Fixtures/\(name)"))
    }

    @Test("A19: Rows of every type, loaded and streamed, are what the server says they are")
    func types() throws {
        let columns = Self.kinds.indices.map {
            Column($0 == 0 ? "id" : "c\($0)", Self.kinds[$0])
        }
        let table = route("v", columns)
        let copy = try Self.fixture("postgresql-18-types.copy")
        let lines = try Self.fixture("postgresql-18-types.json").split(separator: 0x0A)
        let wanted = try lines.map { try JSONDecoder().decode([String?].self, from: $0) }
        #expect(wanted.count == 5)

        let loaded = try TargetFile([table])
        try loaded.load(String(decoding: copy, as: UTF8.self), table)
        let streamed = try TargetFile([table])
        let changes = batch {
            $0.transaction { builder in
                for row in wanted { builder.insert(row.map { $0.map { .text($0) } ?? .null }) }
            }
        }
        try streamed.apply(changes, [table])
        for file in [loaded, streamed] {
            let session = try SQLiteSession(path: file.path, access: .readOnly, busySeconds: 1)
            let list = columns.map { $0.name.quotedIdentifier }.joined(separator: ", ")
            let found = try session.rows("SELECT \(list) FROM v ORDER BY id") { row in
                columns.indices.map { Self.text(row, Int32($0), Self.kinds[$0]) }
            }
            #expect(found == wanted)
        }
    }

    /// The stored value as the source writes it.
    static func text(_ row: SQLiteStatement, _ column: Int32, _ kind: ValueKind) -> String? {
        guard !row.isNull(column) else { return nil }
        switch kind {
        case .boolean: return row.integer(column) == 1 ? "t" : "f"
        case .bytes:
            let bytes = row.bytes(column) ?? []
            return "\\x" + bytes.map { String(format: "%02x", $0) }.joined()
        case .float64: return row.text(column) == "NaN" ? "NaN" : shortest(row.real(column) ?? 0)
        case .float32:
            return row.text(column) == "NaN" ? "NaN" : shortest(Float(row.real(column) ?? 0))
        default: return row.text(column)
        }
    }

    /// Swift's shortest form, which differs from PostgreSQL's in `.0` only for these values.
    static func shortest(_ number: some BinaryFloatingPoint & LosslessStringConvertible) -> String {
        let text = String(describing: number)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
