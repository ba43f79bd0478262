/// A transform's text in tokens: enough to find its parts, nothing more. SQLite is the parser.
///
/// Source: "SQL Language Expressions" and "SQL Comment Syntax" of SQLite's documentation.
struct SQLTokens {
    struct Token: Equatable {
        enum Kind: Equatable {
            /// A name or keyword without quotes.
            case word
            /// `"name"`, `[name]`, `` `name` ``.
            case quotedName
            case string, blob, number, parameter
            case symbol
        }

        var kind: Kind
        /// As written; a word in upper case.
        var text: String
        /// Bytes of the statement.
        var range: Range<Int>

        func isWord(_ word: String) -> Bool { kind == .word && text == word }
        func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
        var isName: Bool { kind == .word || kind == .quotedName }
        /// As names are compared: without quotes, in lower case.
        var name: String {
            (kind == .quotedName ? String(text.dropFirst().dropLast()) : text).lowercased()
        }
    }

    let sql: [UInt8]
    private(set) var tokens: [Token] = []
    private var position = 0

    init(_ text: String) {
        sql = Array(text.utf8)
        while let token = next() { tokens.append(token) }
    }

    /// The statement with other words for some of its tokens.
    func replacing(_ texts: [Int: String]) -> SQLTokens {
        var (result, end) = ("", 0)
        for index in texts.keys.sorted() {
            let range = tokens[index].range
            result += String(decoding: sql[end..<range.lowerBound], as: UTF8.self)
            result += texts[index] ?? ""
            end = range.upperBound
        }
        return SQLTokens(result + String(decoding: sql[end...], as: UTF8.self))
    }

    /// The bytes between the tokens of a range, without what lies around them.
    func text(_ range: Range<Int>) -> String {
        guard !range.isEmpty else { return "" }
        let bytes =
            tokens[range.lowerBound].range
            .lowerBound..<tokens[range.upperBound - 1].range
            .upperBound
        return String(decoding: sql[bytes], as: UTF8.self)
    }

    /// The index of the parenthesis that closes the one at `open`; nil if none does.
    func closing(_ open: Int, before end: Int) -> Int? {
        var depth = 0
        for index in open..<end {
            if tokens[index].isSymbol("(") { depth += 1 }
            if tokens[index].isSymbol(")") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    /// Indices in `range` of the tokens outside of parentheses.
    func outer(_ range: Range<Int>) -> [Int] {
        var depth = 0
        return range.filter { index in
            if tokens[index].isSymbol("(") {
                depth += 1
                return depth == 1
            }
            if tokens[index].isSymbol(")") { depth -= 1 }
            return depth == 0
        }
    }

    /// Ranges between the commas of `range` that are outside of parentheses.
    func split(_ range: Range<Int>) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = range.lowerBound
        for index in outer(range) where tokens[index].isSymbol(",") {
            parts.append(start..<index)
            start = index + 1
        }
        return parts + [start..<range.upperBound]
    }

    /// Line and column, from 1, of a byte of the statement.
    static func place(_ offset: Int, in sql: [UInt8]) -> (line: Int, column: Int) {
        let before = sql.prefix(max(0, offset))
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return (line, String(decoding: before[start...], as: UTF8.self).count + 1)
    }
}

// MARK: Scanning

extension SQLTokens {
    private mutating func next() -> Token? {
        skipBlanks()
        guard position < sql.count else { return nil }
        let start = position
        let kind = scan()
        let text = String(decoding: sql[start..<position], as: UTF8.self)
        return Token(
            kind: kind, text: kind == .word ? text.uppercased() : text, range: start..<position)
    }

    private mutating func scan() -> Token.Kind {
        let byte = sql[position]
        switch byte {
        case UInt8(ascii: "'"):
            skipQuoted(byte)
            return .string
        case UInt8(ascii: "\""), UInt8(ascii: "`"):
            skipQuoted(byte)
            return .quotedName
        case UInt8(ascii: "["):
            skipQuoted(UInt8(ascii: "]"))
            return .quotedName
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return skipNumber()
        case UInt8(ascii: ".") where Self.isDigit(peek(1)):
            return skipNumber()
        case UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"):
            position += 1
            skip(while: Self.isNamePart)
            return .parameter
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            guard peek(1) == UInt8(ascii: "'") else { return skipWord() }
            position += 1
            skipQuoted(UInt8(ascii: "'"))
            return .blob
        case _ where Self.isNamePart(byte): return skipWord()
        default: return skipSymbol()
        }
    }

    private func peek(_ ahead: Int) -> UInt8? {
        position + ahead < sql.count ? sql[position + ahead] : nil
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while position < sql.count, condition(sql[position]) { position += 1 }
    }

    private mutating func skipWord() -> Token.Kind {
        skip(while: Self.isNamePart)
        return .word
    }

    /// Digits, a point, an exponent; letters that do not belong are SQLite's to refuse.
    private mutating func skipNumber() -> Token.Kind {
        while let byte = peek(0), Self.isNamePart(byte) || byte == UInt8(ascii: ".") {
            position += 1
            let isExponent = byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
            let sign = peek(0)
            if isExponent, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { position += 1 }
        }
        return .number
    }

    /// The quote is doubled inside, but for the bracket, which cannot be.
    private mutating func skipQuoted(_ quote: UInt8) {
        position += 1
        while let byte = peek(0) {
            position += 1
            guard byte == quote else { continue }
            guard quote != UInt8(ascii: "]"), peek(0) == quote else { return }
            position += 1
        }
    }

    private mutating func skipSymbol() -> Token.Kind {
        let two = String(decoding: sql[position..<min(position + 2, sql.count)], as: UTF8.self)
        position += ["||", "<=", ">=", "<>", "!=", "==", "<<", ">>", "->"].contains(two) ? 2 : 1
        if two == "->", peek(0) == UInt8(ascii: ">") { position += 1 }
        return .symbol
    }

    private mutating func skipBlanks() {
        while let byte = peek(0) {
            if [9, 10, 12, 13, 32].contains(byte) {
                position += 1
            } else if byte == UInt8(ascii: "-"), peek(1) == byte {
                skip { $0 != UInt8(ascii: "\n") }
            } else if byte == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                skipComment()
            } else {
                return
            }
        }
    }

    private mutating func skipComment() {
        position += 2
        while position < sql.count {
            if sql[position] == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                position += 2
                return
            }
            position += 1
        }
    }

    private static func isDigit(_ byte: UInt8?) -> Bool {
        byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }
}
