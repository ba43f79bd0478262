import Foundation

/// The words of a statement, in capitals, without comments and quoted texts.
///
/// What stands in `/*!80000 ... */` and `/*M! ... */` is code (B45): servers write
/// `DROP /*!40005 TEMPORARY */ TABLE`. `SET STATEMENT ... FOR` of MariaDB is passed over.
struct StatementWords {
    private var text: [UInt8]
    private var at = 0

    init(_ statement: String) {
        text = Array(statement.utf8)
        let begin = self
        if next() == "SET", next() == "STATEMENT" {
            while let word = next(), word != "FOR" {}
        } else {
            self = begin
        }
    }

    /// The next unquoted word; quoted names and texts are passed over.
    mutating func next() -> String? {
        while at < text.count {
            if isWordByte(text[at]) { return word().uppercased() }
            skipOther()
        }
        return nil
    }

    /// The next word, quoted or not, as it is.
    mutating func name() -> String {
        while at < text.count {
            if text[at] == UInt8(ascii: "`") || text[at] == UInt8(ascii: "\"") { return quoted() }
            if isWordByte(text[at]) { return word() }
            skipOther()
        }
        return ""
    }

    /// What has not been read.
    func rest() -> String {
        String(decoding: text[at...], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    private mutating func word() -> String {
        let start = at
        while at < text.count, isWordByte(text[at]) { at += 1 }
        return String(decoding: text[start..<at], as: UTF8.self)
    }

    private mutating func skipOther() {
        if starts("/*!") || starts("/*M!") {
            at += starts("/*!") ? 3 : 4
            while at < text.count, (48...57).contains(text[at]) { at += 1 }
        } else if starts("/*") {
            skip(past: "*/")
        } else if starts("#") || starts("-- ") || starts("--\n") || starts("--\t") {
            skip(past: "\n")
        } else if [UInt8(ascii: "`"), UInt8(ascii: "\""), UInt8(ascii: "'")].contains(text[at]) {
            _ = quoted()
        } else {
            at += 1
        }
    }

    private func starts(_ prefix: StaticString) -> Bool {
        let count = prefix.utf8CodeUnitCount
        guard at + count <= text.count else { return false }
        return prefix.withUTF8Buffer { text[at..<at + count].elementsEqual($0) }
    }

    private mutating func skip(past end: StaticString) {
        while at < text.count, !starts(end) { at += 1 }
        at = min(text.count, at + end.utf8CodeUnitCount)
    }

    /// A quote inside is doubled; in texts also behind a backslash.
    private mutating func quoted() -> String {
        let quote = text[at]
        var content: [UInt8] = []
        at += 1
        while at < text.count {
            let byte = text[at]
            at += 1
            if byte == quote {
                guard at < text.count, text[at] == quote else { break }
                at += 1
            } else if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "`"), at < text.count {
                at += 1
            }
            content.append(byte)
        }
        return String(decoding: content, as: UTF8.self)
    }
}
