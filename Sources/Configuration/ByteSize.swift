/// An amount of bytes as written in a pipeline file: `256MB`, `10GB`, `512 kB`, `4096`.
///
/// Units are powers of 1024, as in PostgreSQL's own settings: 1 MB is 1,048,576 bytes.
package struct ByteSize: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var bytes: Int64

    package init(bytes: Int64) { self.bytes = bytes }

    /// Case does not matter; `KiB` means the same as `kB`. nil if `text` is not a size.
    package init?(parsing text: String) {
        let (digits, unit) = splitUnit(text)
        guard let number = Int64(digits), number >= 0, let factor = Self.factor(unit) else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        bytes = product
    }

    private static func factor(_ unit: String) -> Int64? {
        switch unit.lowercased() {
        case "", "b": 1
        case "k", "kb", "kib": 1 << 10
        case "m", "mb", "mib": 1 << 20
        case "g", "gb", "gib": 1 << 30
        case "t", "tb", "tib": 1 << 40
        default: nil
        }
    }

    /// The shortest exact form; reads back as the same size.
    package var description: String {
        for (unit, shift) in [("TB", 40), ("GB", 30), ("MB", 20), ("kB", 10)] {
            if bytes > 0, bytes & ((1 << shift) - 1) == 0 { return "\(bytes >> shift)\(unit)" }
        }
        return "\(bytes)B"
    }

    package static func < (a: ByteSize, b: ByteSize) -> Bool { a.bytes < b.bytes }
}

/// `10s` -> (`10`, `s`); blanks around the parts are dropped.
func splitUnit(_ text: String) -> (digits: String, unit: String) {
    let trimmed = text.drop(while: \.isWhitespace)
    let digits = trimmed.prefix { ("0"..."9").contains($0) || $0 == "." }
    let unit = trimmed.dropFirst(digits.count).filter { !$0.isWhitespace }
    return (String(digits), String(unit))
}
