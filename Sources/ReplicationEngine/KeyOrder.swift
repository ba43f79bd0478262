package import ReplicationModel

/// How keys of a table are ordered: here, by bytes that compare like the source does, or by asking
/// the source (DESIGN 6.8). Only types whose order was compared with the server's ORDER BY over
/// 10,000 random keys are ordered here.
package enum KeyOrder: Sendable {
    case here([Component])
    case source

    package enum Component: Sendable {
        case integer, uuid, bytes
        /// Collation "C": by the bytes of UTF-8.
        case textByBytes
    }

    package init(_ columns: [Column], _ dialect: Dialect = .postgresql) {
        var components: [Component] = []
        for column in columns {
            guard let component = Self.component(column, dialect) else {
                self = .source
                return
            }
            components.append(component)
        }
        self = .here(components)
    }

    private static func component(_ column: Column, _ dialect: Dialect) -> Component? {
        // A domain may carry a collation of its own, but never another order of these kinds.
        switch column.type.kind {
        case .int16, .int32, .int64, .oid: .integer
        // MariaDB orders a UUID by its groups from the right.
        case .uuid where dialect == .postgresql: .uuid
        case .bytes where dialect == .postgresql: .bytes
        case .text where isC(column.collation): .textByBytes
        default: nil
        }
    }

    private static func isC(_ collation: String?) -> Bool {
        ["pg_catalog.\"C\"", "\"C\"", "pg_catalog.\"POSIX\""].contains(collation)
    }

    /// The key as bytes that compare (memcmp) like the keys themselves; nil for an unordered kind
    /// or a value that is not of its type.
    package func sortable(_ key: Key) -> [UInt8]? {
        guard case .here(let components) = self, components.count == key.values.count else {
            return nil
        }
        var out: [UInt8] = []
        for (component, value) in zip(components, key.values) {
            guard Self.append(value, as: component, to: &out) else { return nil }
        }
        return out
    }

    /// Whether the key is in the range; nil if only the source knows.
    func contains(_ key: Key, _ range: KeyRange) -> Bool? {
        if range == .everything { return true }
        if range.isSingleKey { return key == range.upper }
        guard let place = sortable(key) else { return nil }
        if let lower = range.lower {
            guard let lower = sortable(lower) else { return nil }
            if !lower.precedes(place) { return false }
        }
        guard let upper = range.upper else { return true }
        return sortable(upper).map { !$0.precedes(place) }
    }

    private static func append(
        _ value: [UInt8], as component: Component, to out: inout [UInt8]
    ) -> Bool {
        switch component {
        case .integer:
            guard let number = Int64(String(decoding: value, as: UTF8.self)) else { return false }
            let biased = UInt64(bitPattern: number) ^ (1 << 63)
            withUnsafeBytes(of: biased.bigEndian) { out.append(contentsOf: $0) }
        case .textByBytes:
            // Text holds no zero byte, so a zero ends it before any longer text.
            out.append(contentsOf: value)
            out.append(0)
        case .uuid:
            // Canonical lower case of fixed length: its text orders like its bytes.
            guard value.count == 36 else { return false }
            out.append(contentsOf: value)
        case .bytes:
            // Hex text `\x...`: two digits a byte, lower case, so a prefix sorts first.
            guard value.count >= 2 else { return false }
            out.append(contentsOf: value.dropFirst(2))
            out.append(0)
        }
        return true
    }
}

extension Array where Element == UInt8 {
    /// memcmp order, shorter first among equal prefixes.
    package func precedes(_ other: [UInt8]) -> Bool {
        lexicographicallyPrecedes(other)
    }
}
