/// A place in the source's log. For PostgreSQL an LSN: bytes since the start of the WAL.
///
/// Transactions are ordered and deduplicated by *commit* position only (I4): positions of single
/// changes are not ordered between transactions (P12).
package struct LogPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var rawValue: UInt64

    package static let zero = LogPosition(rawValue: 0)

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Parses PostgreSQL's form `16/B374D848`; nil if `text` is not one.
    package init?(parsing text: some StringProtocol) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, (1...8).contains(halves[0].count),
            (1...8).contains(halves[1].count),
            // `UInt32` would also read a sign.
            halves.allSatisfy({ $0.allSatisfy(\.isHexDigit) }),
            let high = UInt32(halves[0], radix: 16), let low = UInt32(halves[1], radix: 16)
        else { return nil }
        rawValue = UInt64(high) << 32 | UInt64(low)
    }

    package var description: String {
        let high = String(rawValue >> 32, radix: 16, uppercase: true)
        let low = String(rawValue & 0xFFFF_FFFF, radix: 16, uppercase: true)
        return high + "/" + low
    }

    package static func < (a: LogPosition, b: LogPosition) -> Bool { a.rawValue < b.rawValue }
}
