/// Functions over many rows. An aggregate or a window over the one row of a transform is no sum and
/// no rank: it is a mistake. In a sub-select over something else, `(SELECT count(*) FROM
/// json_each(tags))`, it is what it says.
extension TransformCompiler {
    func refuseAggregates() throws {
        let list = select.tokens.tokens
        for index in list.indices.dropLast() where list[index].kind == .word {
            let name = list[index].text.lowercased()
            guard list[index + 1].isSymbol("("),
                let end = select.tokens.closing(index + 1, before: list.count)
            else { continue }
            let isScalar =
                ["min", "max"].contains(name)
                && select.tokens.split(index + 2..<end).count > 1
            guard session.aggregates.contains(name), !isScalar, seesOneRow(index) else { continue }
            throw Self.failure(
                definition, "\(name)() needs many rows, and a transform sees one",
                at: select.written.tokens[index].range.lowerBound)
        }
    }

    /// An aggregate of the outer query's columns belongs to that query, wherever it stands, and
    /// makes a row where the filter lets none through. Hence the question: is there one of none?
    func refuseHiddenAggregate(_ expression: String, at index: Int) throws {
        let sql = select.statement(selecting: expression, filtered: false) + " WHERE 0"
        guard let made = try? session.prepare(sql, allowing: Self.clocks).statement else { return }
        defer { made.reset() }
        if let hasRow = try? made.step(), !hasRow { return }
        throw failure("a function in it needs many rows, and a transform sees one", at: index)
    }

    /// What stands here is computed over the transform's row: in no sub-select, or in one of the
    /// table alone.
    private func seesOneRow(_ index: Int) -> Bool {
        guard let open = subSelect(around: index) else { return true }
        let list = select.tokens.tokens
        let end = select.tokens.closing(open, before: list.count) ?? list.count
        let outer = select.tokens.outer(open + 1..<end)
        let first = outer.last { $0 < index && list[$0].isWord("SELECT") } ?? open
        guard let from = outer.first(where: { $0 > first && list[$0].isWord("FROM") }) else {
            return false
        }
        let last = outer.first {
            $0 > from && list[$0].kind == .word && Self.endsFrom.contains(list[$0].text)
        }
        let names = list[from + 1..<(last ?? end)]
        return names.count <= 3 && names.allSatisfy(\.isName)
            && names.first?.name == session.table.lowercased()
    }

    private static let endsFrom: Set<String> = [
        "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT",
    ]

    /// The parenthesis that opens the innermost sub-select.
    private func subSelect(around index: Int) -> Int? {
        let list = select.tokens.tokens
        var depth = 0
        for before in stride(from: index - 1, through: 0, by: -1) {
            if list[before].isSymbol(")") { depth += 1 }
            if list[before].isSymbol("(") { depth -= 1 }
            guard depth < 0 else { continue }
            if list[before + 1].isWord("SELECT") || list[before + 1].isWord("WITH") {
                return before
            }
            depth = 0
        }
        return nil
    }
}
