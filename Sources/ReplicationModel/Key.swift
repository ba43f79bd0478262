/// The values of a table's chunk key in one row, in the source's text form. Never holds NULL.
package struct Key: Hashable, Sendable {
    package var values: [[UInt8]]

    package init(_ values: [[UInt8]]) { self.values = values }

    package init(texts: [String]) { values = texts.map { Array($0.utf8) } }

    package var texts: [String] { values.map { String(decoding: $0, as: UTF8.self) } }
}

/// A range of keys, open below and closed above: `lower < key <= upper`. nil is infinite.
/// The chunks of a table partition (-infinity, +infinity). Equal bounds, which would be empty, mean
/// that one key: the range of a key-chunk (DESIGN 6.7).
package struct KeyRange: Hashable, Sendable {
    package var lower: Key?
    package var upper: Key?

    package init(after lower: Key?, through upper: Key?) {
        self.lower = lower
        self.upper = upper
    }

    /// The range of a key-chunk: `key = upper`.
    package var isSingleKey: Bool { lower != nil && lower == upper }

    package static let everything = KeyRange(after: nil, through: nil)
}
