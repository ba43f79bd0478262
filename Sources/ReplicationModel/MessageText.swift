import Foundation

/// What messages say of a statement, and of what a server or library wrote.
package enum MessageText {
    /// Several lines, as libraries write them for several addresses or with advice, as one.
    package static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.joined(separator: "; ")
    }

    /// The first words of a statement: enough to know it, too short to hold a value.
    package static func outline(_ sql: String) -> String {
        let words = sql.split(maxSplits: 4, whereSeparator: \.isWhitespace).prefix(4)
        return String(words.joined(separator: " ").prefix(60))
    }
}
