internal import Foundation
internal import ReplicationEngine
internal import ReplicationModel

/// The forms in which Martlet's tables keep what has no SQL type.
enum StateCoding {
    /// Microseconds since 1970 by this host's clock: the file's own clock, for leases (I7).
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// Each value behind its length in four bytes, high byte first: any bytes, exact.
    static func encode(_ key: Key?) -> SQLiteValue {
        guard let key else { return .null }
        var bytes: [UInt8] = []
        for value in key.values {
            withUnsafeBytes(of: UInt32(value.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes += value
        }
        return .blob(bytes)
    }

    static func key(_ bytes: [UInt8]?) -> Key? {
        guard let bytes else { return nil }
        var values: [[UInt8]] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            values.append(Array(rest.dropFirst(4).prefix(count)))
            rest = rest.dropFirst(4 + count)
        }
        return Key(values)
    }

    static func encode(_ ids: [TransactionID]) -> SQLiteValue {
        .text(ids.map(\.description).joined(separator: ","))
    }

    static func ids(_ text: String?) -> [TransactionID] {
        (text ?? "").split(separator: ",").compactMap { UInt64($0) }.map {
            TransactionID(rawValue: $0)
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String?) throws -> Value {
        try JSONDecoder().decode(type, from: Data((text ?? "").utf8))
    }

    static func position(_ text: String?) -> LogPosition? {
        text.flatMap { LogPosition(parsing: $0) }
    }
}
