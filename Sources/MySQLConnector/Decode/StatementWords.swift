import Foundation
internal import ReplicationModel

/// The parts of `sql_mode` that decide how a statement is read.
///
/// Source: MySQL, `sql/system_variables.h`; MariaDB, `sql/sql_class.h`: the same bits.
struct SQLMode: OptionSet {
    let rawValue: UInt64
    static let ansiQuotes = SQLMode(rawValue: 1 << 2)
    static let noBackslashEscapes = SQLMode(rawValue: 1 << 20)
}

/// The words of a statement, in capitals, without comments and quoted texts.
///
/// What stands in `/*!80000 ... */` and `/*M! ... */` is code (B45): servers write
/// `DROP /*!40005 TEMPORARY */ TABLE`. `SET STATEMENT ... FOR` of MariaDB is passed over.
struct StatementWords {
    private var text: [UInt8]
    private var at = 0
    private var mode: SQLMode

    init(_ statement: String, mode: SQLMode = []) {
        text = Array(statement.utf8)
        self.mode = mode
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

    /// `schema.name`; nil if no name follows.
    mutating func tableName(_ schema: String) -> TableName? {
        let first = name()
        guard takes(".") else {
            return first.isEmpty ? nil : TableName(schema: schema, name: first)
        }
        return TableName(schema: first, name: name())
    }

    /// Takes this word or sign if it is what comes next.
    mutating func takes(_ wanted: String) -> Bool {
        skipBlanks()
        guard at < text.count else { return false }
        let begin = at
        if isWordByte(text[at]) {
            if word().uppercased() == wanted { return true }
        } else if [text[at]] == Array(wanted.utf8) {
            at += 1
            return true
        }
        at = begin
        return false
    }

    /// Takes `IF EXISTS` or `IF NOT EXISTS`; whether it was there.
    @discardableResult
    mutating func passExistence() -> Bool {
        guard takes("IF") else { return false }
        _ = takes("NOT")
        return takes("EXISTS")
    }

    private mutating func skipBlanks() {
        while at < text.count {
            if starts("*/") {
                at += 2
            } else if starts("/*") || starts("#") || starts("--") {
                skipOther()
            } else if [0x20, 0x09, 0x0A, 0x0D].contains(text[at]) {
                at += 1
            } else {
                return
            }
        }
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
            } else if byte == UInt8(ascii: "\\"), isEscape(in: quote), at < text.count {
                at += 1
            }
            content.append(byte)
        }
        return String(decoding: content, as: UTF8.self)
    }

    /// Whether a backslash takes the next byte with it; in names it does not.
    private func isEscape(in quote: UInt8) -> Bool {
        switch quote {
        case UInt8(ascii: "`"): false
        case UInt8(ascii: "\""): mode.isDisjoint(with: [.ansiQuotes, .noBackslashEscapes])
        default: !mode.contains(.noBackslashEscapes)
        }
    }
}
