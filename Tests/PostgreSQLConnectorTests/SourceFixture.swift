import Foundation
import PostgreSQLConnector
import ReplicationEngine
import ReplicationModel

/// A test database together with a source over it.
final class SourceFixture {
    let database: TestDatabase
    let admin: PGConnection
    let source: PostgreSQLSource

    init(on server: String = "pg17", _ sql: String = "") throws {
        database = try TestDatabase(on: server)
        admin = try database.connect()
        try admin.run("SET search_path = public")
        if !sql.isEmpty { try admin.run(sql) }
        source = Self.source(database.url)
    }

    static func source(
        _ url: String, onSlotWait: (@Sendable ([String]) -> Void)? = nil
    ) -> PostgreSQLSource {
        PostgreSQLSource(
            url: url, password: nil, primaryURL: nil,
            spoolDirectory: FileManager.default.temporaryDirectory.path, spoolMax: 1 << 30,
            memoryShare: 16 << 20, lease: 10, onSlotWait: onSlotWait)
    }

    var capture: CaptureNames { CaptureNames(slot: database.name, publication: "martlet_test") }

    func describe(_ name: String, schema: String = "public") throws -> TableSchema {
        try source.describe([TableName(schema: schema, name: name)])[0]
    }

    func route(_ name: String, schema: String = "public") throws -> TableRoute {
        Self.route(try describe(name, schema: schema))
    }

    static func route(_ table: TableSchema) -> TableRoute {
        let columns = table.carriedColumns
        return TableRoute(
            source: table, target: table.name, columns: columns,
            key: table.chunkKey.compactMap { name in columns.firstIndex { $0.name == name } })
    }
}

/// Collects what a COPY delivers.
struct Rows {
    var bytes: [UInt8] = []
    var blocks = 0
    var largest = 0

    mutating func take(_ block: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: block)
        blocks += 1
        largest = max(largest, block.count)
    }

    var lines: [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Field counts of a run of binary tuples; nil if the bytes are not exactly whole tuples.
    var binaryTuples: [Int]? {
        var counts: [Int] = []
        var at = 0
        func number(_ width: Int) -> Int? {
            guard at + width <= bytes.count else { return nil }
            defer { at += width }
            return bytes[at..<at + width].reduce(0) { $0 << 8 | Int($1) }
        }
        while at < bytes.count {
            guard let fields = number(2), fields < 1700 else { return nil }
            for _ in 0..<fields {
                guard let length = number(4) else { return nil }
                if length != 0xFFFF_FFFF { at += length }
            }
            counts.append(fields)
        }
        return at == bytes.count ? counts : nil
    }
}

extension ChunkSnapshot {
    var visibility: Visibility? {
        if case .visibility(let visibility) = snapshot { visibility } else { nil }
    }
}
