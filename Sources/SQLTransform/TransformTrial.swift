import ReplicationEngine
import ReplicationModel

/// A transform tried on rows of the source, one by one: what goes in beside what comes out.
package struct TransformTrial {
    package struct Row: Sendable {
        /// By column of the source's route; nil is NULL.
        package var before: [String?]
        /// By column of the target's; nil if the row does not pass.
        package var after: [String?]?
    }

    package private(set) var rows: [Row] = []
    private let transform: Transform
    private var copy: RowCopyTransform
    private let limit: Int

    package init(
        _ transform: Transform, keys: TransformKeys, sourceName: String, limit: Int
    ) throws {
        self.transform = transform
        self.limit = limit
        copy = RowCopyTransform(
            try RowEvaluator(transform, keys: keys, sourceName: sourceName))
    }

    package func close() { copy.close() }
    package var isFull: Bool { rows.count >= limit }

    /// - Parameter block: whole rows in COPY text.
    package mutating func take(_ block: UnsafeRawBufferPointer) throws {
        for line in block.split(separator: UInt8(ascii: "\n")) where !isFull {
            let row = Array(line) + [UInt8(ascii: "\n")]
            let before = try Self.fields(row, transform.source.columns.count)
            var made: [UInt8] = []
            try row.withUnsafeBytes { try copy.take($0) { made += $0 } }
            let after =
                made.isEmpty ? nil : try Self.fields(made, transform.target.columns.count)
            rows.append(Row(before: before, after: after))
        }
    }

    private static func fields(_ row: [UInt8], _ columns: Int) throws -> [String?] {
        var fields: [String?] = []
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: row.count, alignment: 1)
        defer { scratch.deallocate() }
        try row.withUnsafeBytes { bytes in
            var reader = CopyTextReader(bytes, columns: columns, scratch: scratch)
            _ = try reader.nextRow { _, field in
                fields.append(field.map { String(decoding: $0, as: UTF8.self) })
            }
        }
        return fields
    }
}
