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
        // "no such column: k.name", "access to k.name is prohibited".
        let word = refusal.message.replacing(" is prohibited", with: "")
            .split(whereSeparator: { " .".contains($0) }).last.map(String.init)
        return TransformCompiler.failure(
            definition, why, at: refusal.offset ?? word.flatMap(offset), try: remedy)
    }

    private func words(_ message: String) -> (why: String, remedy: String?) {
        let tables = session.lookups?.tables ?? []
        let kinds: [(prefix: String, what: String, candidates: [String])] = [
            (
                "no such column: ", "column",
                session.row.columns.filter { !$0.isHidden }.map(\.name)
                    + tables.flatMap(\.columns).map(\.name)
            ),
            ("no such table: ", "table", [session.table] + tables.map(\.name)),
            ("no such function: ", "function", session.functionNames),
        ]
        for kind in kinds where message.hasPrefix(kind.prefix) {
            let parts = message.dropFirst(kind.prefix.count).split(separator: ".")
            let name = parts.last.map(String.init) ?? ""
            let near = Suggestion.nearest(to: name, among: kind.candidates)
            let list = kind.candidates.count <= 12 ? kind.candidates.joined(separator: ", ") : nil
            if kind.what == "table", near == name {
                return ("the table stands in a transform without its schema", "FROM \(name)")
            }
            return (
                "there is no \(kind.what) '\(name)'",
                near.map { "did you mean '\($0)'?" }
                    ?? list.map { "the \(kind.what)s here: \($0)" }
            )
        }
        if message == "not authorized" || message.contains("prohibited") {
            let more = tables.isEmpty ? "" : " and lookups"
            return ("a transform reads its own table\(more) only", "FROM \(session.table)")
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
