/// The tables of a FROM: the first one, and what is joined to it.
struct SelectJoins {
    struct Join {
        /// From its first word to the next join.
        var range: Range<Int>
        /// Words in front of the table, `LEFT JOIN`; a comma.
        var words: [String]
        /// In lower case; nil for a sub-select or a function.
        var table: String?

        /// Keeps every row of what stands before it.
        var isLeft: Bool { words.contains("LEFT") && !words.contains("NATURAL") }
    }

    /// `table [[AS] alias]`.
    let first: Range<Int>
    private(set) var joins: [Join] = []

    /// - Parameter from: what stands behind FROM.
    init(_ tokens: SQLTokens, _ from: Range<Int>) {
        let list = tokens.tokens
        let starts = Self.starts(tokens, from)
        first = from.lowerBound..<(starts.first ?? from.upperBound)
        for (start, end) in zip(starts, starts.dropFirst() + [from.upperBound]) {
            let name = Self.behind(start, end, list)
            let isTable =
                name < end && list[name].isName
                && !(name + 1 < end
                    && (list[name + 1].isSymbol("(") || list[name + 1].isSymbol(".")))
            joins.append(
                Join(
                    range: start..<end, words: list[start..<name].map(\.text),
                    table: isTable ? list[name].name : nil))
        }
    }

    private static let kinds: Set<String> = [
        "NATURAL", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "OUTER",
    ]

    private static func isKind(_ token: SQLTokens.Token) -> Bool {
        token.kind == .word && kinds.contains(token.text)
    }

    /// Words that a name follows, or an operand, so that LEFT behind them is one.
    private static let beforeNames: Set<String> = [
        "AS", "ON", "AND", "OR", "NOT", "IS", "IN", "LIKE", "GLOB", "MATCH", "REGEXP", "BETWEEN",
        "ESCAPE", "COLLATE", "CASE", "WHEN", "THEN", "ELSE", "DISTINCT", "FROM", "JOIN",
    ]

    private static func endsOperand(_ token: SQLTokens.Token) -> Bool {
        switch token.kind {
        case .symbol: token.text == ")"
        case .word: !beforeNames.contains(token.text)
        case .quotedName, .string, .blob, .number, .parameter: true
        }
    }

    /// Where joins begin: a comma, JOIN, or words that lead to it. LEFT is a name where an operand
    /// is due: `shop AS left JOIN countries`.
    private static func starts(_ tokens: SQLTokens, _ from: Range<Int>) -> [Int] {
        let list = tokens.tokens
        var (starts, next, isBehindOperand) = ([Int](), from.lowerBound, false)
        for index in tokens.outer(from) where index >= next {
            let word = list[index..<from.upperBound].firstIndex { !isKind($0) }
            if list[index].isSymbol(",") {
                starts.append(index)
                isBehindOperand = false
            } else if isBehindOperand, let word, list[word].isWord("JOIN") {
                starts.append(index)
                (next, isBehindOperand) = (word + 1, false)
            } else {
                isBehindOperand = endsOperand(list[index])
            }
        }
        return starts
    }

    /// The index of the joined table.
    private static func behind(_ start: Int, _ end: Int, _ list: [SQLTokens.Token]) -> Int {
        if list[start].isSymbol(",") { return start + 1 }
        return (list[start..<end].firstIndex { $0.isWord("JOIN") } ?? start) + 1
    }
}
