package import ReplicationModel

/// `tables.include` and `tables.exclude`.
package struct TableSelection: Hashable, Sendable {
    /// Empty means every table.
    package var include: [TablePattern]
    package var exclude: [TablePattern]

    package init(include: [TablePattern] = [], exclude: [TablePattern] = []) {
        self.include = include
        self.exclude = exclude
    }

    /// The tables that are meant, in the order of `tables`.
    ///
    /// - Throws: `.configuration` if a pattern matches nothing: a mistyped `exclude` would let
    ///   a table through, a mistyped `include` would leave one behind.
    package func select(from tables: [TableName]) throws -> [TableName] {
        for (key, patterns) in [("tables.include", include), ("tables.exclude", exclude)] {
            for pattern in patterns where !tables.contains(where: pattern.matches) {
                throw Self.noMatch(pattern, key, tables)
            }
        }
        let chosen = tables.filter { table in
            (include.isEmpty || include.contains { $0.matches(table) })
                && !exclude.contains { $0.matches(table) }
        }
        guard !chosen.isEmpty else { throw Self.nothingLeft(tables) }
        return chosen
    }

    private static func noMatch(_ pattern: TablePattern, _ key: String, _ tables: [TableName])
        -> ReplicationError
    {
        let near = Suggestion.nearest(
            to: pattern.description.filter { $0 != "\"" }, among: tables.map(\.description))
        let table = tables.first { $0.description == near }
        return ReplicationError(
            .configuration, "find the tables of the pattern '\(pattern)'", place: "key \(key)",
            why: tables.isEmpty
                ? "the source has no table that could be replicated, or the role cannot see any"
                : "none of the source's \(tables.count) tables matches it",
            try: tables.isEmpty
                ? "make a table at the source, or grant SELECT to the role of its URL"
                : table.map { "did you mean \($0.pattern)? Write it so." })
    }

    private static func nothingLeft(_ tables: [TableName]) -> ReplicationError {
        ReplicationError(
            .configuration, "choose the tables to replicate", place: "key tables",
            why: tables.isEmpty
                ? "the source has no table that could be replicated, or the role cannot see any"
                : "every table that is included is also excluded")
    }
}
