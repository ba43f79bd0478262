import ReplicationModel

/// What SQLite says against a statement, in the words of the pipeline file: place, suggestion.
struct RefusalText {
    let definition: TransformDefinition
    let session: TransformSession

    init(_ definition: TransformDefinition, _ session: TransformSession) {
        self.definition = definition
        self.session = session
    }

    func failure(_ refusal: TransformSession.Refusal) -> ReplicationError {
        if let function = refusal.function {
            return TransformCompiler.failure(
                definition, "\(function)() may give another result each time",
                at: offset(of: function), try: "name the output under 'nondeterministic:'")
        }
        let (why, remedy) = words(refusal.message)
        let word = refusal.message.split(separator: " ").last.map(String.init)
        return TransformCompiler.failure(
            definition, why, at: refusal.offset ?? word.flatMap(offset), try: remedy)
    }

    private func words(_ message: String) -> (why: String, remedy: String?) {
        let kinds: [(prefix: String, what: String, candidates: [String])] = [
            ("no such column: ", "column", session.row.columns.filter { !$0.isHidden }.map(\.name)),
            ("no such table: ", "table", [session.table]),
            ("no such function: ", "function", session.functionNames),
        ]
        for kind in kinds where message.hasPrefix(kind.prefix) {
            let name = message.dropFirst(kind.prefix.count).split(separator: ".").last ?? ""
            let near = Suggestion.nearest(to: String(name), among: kind.candidates)
            let list = kind.candidates.count <= 12 ? kind.candidates.joined(separator: ", ") : nil
            return (
                "there is no \(kind.what) '\(name)'",
                near.map { "did you mean '\($0)'?" }
                    ?? list.map { "the \(kind.what)s here: \($0)" }
            )
        }
        if message == "not authorized" || message.contains("prohibited") {
            return ("a transform reads its own table only", "FROM \(session.table)")
        }
        return (message, nil)
    }

    /// Where a name stands in the text.
    private func offset(of name: String) -> Int? {
        SQLTokens(definition.sql).tokens.first {
            $0.text.lowercased().contains(name.lowercased()) && $0.isName
        }?.range.lowerBound
    }
}

extension TransformCompiler {
    /// An aggregate over one row is no sum: it is a mistake.
    func refuseAggregates() throws {
        let list = select.tokens.tokens
        for index in list.indices.dropLast() where list[index].kind == .word {
            let name = list[index].text.lowercased()
            guard list[index + 1].isSymbol("("),
                let end = select.tokens.closing(index + 1, before: list.count)
            else { continue }
            let arguments = select.tokens.split(index + 2..<end).count
            let isScalar = ["min", "max"].contains(name) && arguments > 1
            guard session.aggregates.contains(name), !isScalar, !isInside(index) else { continue }
            var next = end + 1
            if next < list.count, list[next].isWord("FILTER"),
                let closed = select.tokens.closing(next + 1, before: list.count)
            {
                next = closed + 1
            }
            guard next < list.count, list[next].isWord("OVER") else {
                throw Self.failure(
                    definition, "\(name)() needs many rows, and a transform sees one",
                    at: select.written.tokens[index].range.lowerBound)
            }
        }
    }

    /// In a sub-select, whose rows are its own: `(SELECT count(*) FROM json_each(tags))`.
    private func isInside(_ index: Int) -> Bool {
        let list = select.tokens.tokens
        var depth = 0
        for before in stride(from: index - 1, through: 0, by: -1) {
            if list[before].isSymbol(")") { depth += 1 }
            if list[before].isSymbol("(") { depth -= 1 }
            guard depth < 0 else { continue }
            if before + 1 < index, list[before + 1].isWord("SELECT") { return true }
            depth = 0
        }
        return false
    }
}
