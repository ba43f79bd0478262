import ReplicationModel

/// What an expression's values are, from its outermost part: a function, CAST, literal, operator or
/// column; nil where that says nothing.
struct TypeInference {
    let tokens: SQLTokens
    /// By name in lower case.
    let columns: [String: ColumnType]

    enum Found: Equatable {
        case type(OutputType)
        /// As a column of the row.
        case column(ColumnType)
        /// NULL, of any type.
        case anything
    }

    func type(of range: Range<Int>) -> Found? {
        let range = withoutName(range)
        guard let first = range.first else { return nil }
        let list = tokens.tokens
        if list[first].isSymbol("("), tokens.closing(first, before: range.upperBound) == range.last
        {
            return type(of: first + 1..<range.upperBound - 1)
        }
        if range.count == 1 { return literal(list[first]) ?? column(list[first]) }
        if range.count == 3, list[first].isName, list[first + 1].isSymbol(".") {
            return column(list[first + 2])
        }
        if list[first].isWord("CASE"), list[range.upperBound - 1].isWord("END") {
            return unite(branches(range))
        }
        return call(range) ?? operation(range)
    }

    /// Without `AS name`, or the name alone behind an expression.
    func withoutName(_ range: Range<Int>) -> Range<Int> {
        let list = tokens.tokens
        guard range.count >= 3 else {
            return range.count == 2 && list[range.upperBound - 1].isName
                ? range.lowerBound..<range.lowerBound + 1 : range
        }
        let last = range.upperBound - 1
        guard list[last].isName || list[last].kind == .string, !list[last].isWord("END") else {
            return range
        }
        if list[last - 1].isWord("AS") { return range.lowerBound..<last - 1 }
        let endsValue =
            list[last - 1].isSymbol(")") || list[last - 1].isWord("END")
            || [.string, .number, .blob, .quotedName].contains(list[last - 1].kind)
        return endsValue ? range.lowerBound..<last : range
    }

    private func literal(_ token: SQLTokens.Token) -> Found? {
        switch token.kind {
        case .string: .type(.text)
        case .blob: .type(.bytes)
        case .number: token.text.contains { ".eE".contains($0) } ? nil : .type(.int64)
        case .word where token.text == "NULL": .anything
        case .word where ["TRUE", "FALSE"].contains(token.text): .type(.boolean)
        default: nil
        }
    }

    private func column(_ token: SQLTokens.Token) -> Found? {
        guard token.isName else { return nil }
        return columns[token.name].map { .column($0) }
    }

    // MARK: Calls

    private func call(_ range: Range<Int>) -> Found? {
        let list = tokens.tokens
        let first = range.lowerBound
        guard list[first].kind == .word, range.count > 2, list[first + 1].isSymbol("("),
            tokens.closing(first + 1, before: range.upperBound) == range.upperBound - 1
        else { return nil }
        let inside = first + 2..<range.upperBound - 1
        let name = list[first].text.lowercased()
        if name == "cast" { return cast(inside) }
        if name == "date_trunc" || name == "at_time_zone" { return date(name, inside) }
        if let own = FunctionLibrary.named(name) { return .type(own.result) }
        if let type = Self.results[name] { return .type(type) }
        let arguments = tokens.split(inside)
        switch name {
        case "coalesce", "ifnull": return unite(arguments)
        case "iif": return unite(Array(arguments.dropFirst()))
        case "nullif": return arguments.first.flatMap(type)
        case "min" where arguments.count > 1, "max" where arguments.count > 1:
            return unite(arguments)
        default: return nil
        }
    }

    /// What was a moment stays one, and what was in no zone becomes one.
    private func date(_ name: String, _ inside: Range<Int>) -> Found? {
        let arguments = tokens.split(inside)
        guard arguments.count == 2, let found = type(of: arguments[name == "date_trunc" ? 1 : 0])
        else { return nil }
        let isMoment =
            switch found {
            case .column(let type): type.kind == .timestampWithZone
            case .type(let type): type == .timestampWithZone
            case .anything: false
            }
        return .type(isMoment == (name == "date_trunc") ? .timestampWithZone : .timestamp)
    }

    private static let results: [String: OutputType] = [
        "upper": .text, "lower": .text, "trim": .text, "ltrim": .text, "rtrim": .text,
        "replace": .text, "substr": .text, "substring": .text, "printf": .text, "format": .text,
        "hex": .text, "quote": .text, "char": .text, "typeof": .text, "soundex": .text,
        "length": .int64, "instr": .int64, "unicode": .int64, "sign": .int64,
        "date": .date, "time": .time, "datetime": .timestamp, "strftime": .text,
        "julianday": .float64, "unixepoch": .int64,
        "json": .json, "json_object": .json, "json_array": .json, "json_set": .json,
        "json_insert": .json, "json_replace": .json, "json_remove": .json, "json_patch": .json,
        "json_type": .text, "json_quote": .text, "json_valid": .boolean,
        "json_array_length": .int64, "like": .boolean, "glob": .boolean,
    ]

    private func cast(_ inside: Range<Int>) -> Found? {
        guard let word = tokens.outer(inside).last(where: { tokens.tokens[$0].isWord("AS") }) else {
            return nil
        }
        return OutputType(parsing: tokens.text(word + 1..<inside.upperBound)).flatMap {
            // What SQLite's CAST makes: it knows five types.
            switch $0 {
            case .int16, .int32, .int64: .type(.int64)
            case .text, .numeric: .type($0)
            case .float32, .float64: .type(.float64)
            default: nil
            }
        }
    }

    // MARK: CASE and operators

    private func branches(_ range: Range<Int>) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var (depth, start): (Int, Int?) = (0, nil)
        for index in tokens.outer(range) {
            let token = tokens.tokens[index]
            if token.isWord("CASE") { depth += 1 }
            let ends = token.isWord("WHEN") || token.isWord("ELSE") || token.isWord("END")
            if depth == 1, ends, let from = start {
                result.append(from..<index)
                start = nil
            }
            if depth == 1, token.isWord("THEN") || token.isWord("ELSE") { start = index + 1 }
            if token.isWord("END") { depth -= 1 }
        }
        return result
    }

    private func unite(_ parts: [Range<Int>]) -> Found? {
        var found: Found = .anything
        for part in parts {
            guard let next = type(of: part) else { return nil }
            if next == .anything { continue }
            guard let both = Self.unite(found, next) else { return nil }
            found = both
        }
        return found
    }

    /// A literal takes the type of the column beside it.
    private static func unite(_ a: Found, _ b: Found) -> Found? {
        switch (a, b) {
        case _ where a == b: a
        case (.anything, _): b
        case (_, .anything): a
        case (.column(let column), .type(let type)), (.type(let type), .column(let column)):
            fits(type, column.kind) ? .column(column) : nil
        default: nil
        }
    }

    private static func fits(_ type: OutputType, _ kind: ValueKind) -> Bool {
        switch type {
        case .text:
            ![.int16, .int32, .int64, .float32, .float64, .numeric, .boolean, .bytes].contains(kind)
        case .int64: [.int16, .int32, .int64, .numeric].contains(kind)
        default: type.kind == kind
        }
    }

    /// `||` binds closer than anything but unary operators.
    private func operation(_ range: Range<Int>) -> Found? {
        let list = tokens.tokens
        let outer = tokens.outer(range)
        let isTruth = outer.contains { index in
            let token = list[index]
            return token.kind == .word && Self.truths.contains(token.text)
                || token.kind == .symbol && Self.comparisons.contains(token.text)
        }
        if isTruth { return outer.contains { list[$0].isWord("CASE") } ? nil : .type(.boolean) }
        let symbols = Set(outer.filter { list[$0].kind == .symbol }.map { list[$0].text })
            .subtracting(["(", ")", ".", ","])
        if symbols == ["||"] { return .type(.text) }
        if symbols == ["->>"] || symbols == ["->"] {
            return symbols == ["->"] ? .type(.json) : .type(.text)
        }
        return nil
    }

    private static let truths: Set<String> = [
        "AND", "OR", "NOT", "IS", "IN", "LIKE", "GLOB", "BETWEEN", "ISNULL", "NOTNULL", "EXISTS",
    ]
    private static let comparisons: Set<String> = ["=", "==", "<>", "!=", "<", ">", "<=", ">="]
}
