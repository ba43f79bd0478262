/// The identity of a MySQL server (`@@server_uuid`), and of a group of servers.
package struct ServerUUID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 16 bytes in the order of the text, the first one highest.
    package var rawValue: UInt128

    package init(rawValue: UInt128) { self.rawValue = rawValue }

    /// Parses `3e11fa47-71ca-11e1-9e33-c80aa9429562`, also without dashes, also in capitals; nil if
    /// `text` is not one.
    package init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let lengths = parts.map(\.utf8.count)
        let digits = parts.joined()
        guard lengths == [8, 4, 4, 4, 12] || lengths == [32], digits.allSatisfy(\.isHexDigit),
            let value = UInt128(digits, radix: 16)
        else { return nil }
        rawValue = value
    }

    package var description: String {
        let digits = String(rawValue, radix: 16)
        var text = ""
        for (index, digit) in (String(repeating: "0", count: 32 - digits.count) + digits)
            .enumerated()
        {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    package static func < (a: ServerUUID, b: ServerUUID) -> Bool { a.rawValue < b.rawValue }
}
