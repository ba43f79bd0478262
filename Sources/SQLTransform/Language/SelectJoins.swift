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
        let outer = tokens.outer(from)
        let starts = outer.filter { Self.begins($0, from, list) }
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

    /// A comma, JOIN, or words that lead to it: LEFT may be a name elsewhere.
    private static func begins(
        _ index: Int, _ from: Range<Int>, _ list: [SQLTokens.Token]
    ) -> Bool {
        if list[index].isSymbol(",") { return true }
        guard index > from.lowerBound, !isKind(list[index - 1]) else { return false }
        let end = list[index..<from.upperBound].firstIndex { !isKind($0) }
        return end.map { list[$0].isWord("JOIN") } ?? false
    }

    /// The index of the joined table.
    private static func behind(_ start: Int, _ end: Int, _ list: [SQLTokens.Token]) -> Int {
        if list[start].isSymbol(",") { return start + 1 }
        return (list[start..<end].firstIndex { $0.isWord("JOIN") } ?? start) + 1
    }
}
