internal import ReplicationEngine
internal import ReplicationModel

/// Whether a table that is there already takes the route's rows exactly (I5, I8).
struct StoredTableFit {
    let route: TableRoute
    let stored: StoredTable

    init(_ route: TableRoute, _ stored: StoredTable) {
        self.route = route
        self.stored = stored
    }

    var problems: [ReplicationError] {
        guard stored.isTable else {
            return [problem(nil, "\(route.target.name) is there and is not a table")]
        }
        return columnProblems + foreignColumnProblems + keyProblems
    }

    private var columnProblems: [ReplicationError] {
        route.columns.compactMap { column in
            guard let found = stored.column(column.name) else {
                return problem(column.name, "the target's table has no such column")
            }
            if found.isGenerated {
                return problem(column.name, "the column is generated at the target")
            }
            let storage = Storage(column.type.kind)
            guard storage.stored(in: found.declaration, isStrict: stored.isStrict) == nil else {
                return nil
            }
            return problem(
                column.name,
                "a column of type '\(found.declaration)' would change or refuse "
                    + "\(column.type.declaration): it must be \(storage.declaration)")
        }
    }

    /// Columns that no value travels for must fill themselves.
    private var foreignColumnProblems: [ReplicationError] {
        let carried = Set(route.columns.map(\.name.foldedASCII))
        return stored.columns.compactMap { column in
            let fillsItself =
                column.isNullable && column.keyPlace == 0 || column.hasDefault || column.isGenerated
            guard !carried.contains(column.name.foldedASCII), !fillsItself else { return nil }
            return problem(column.name, "the target wants a value that the source does not have")
        }
    }

    private var keyProblems: [ReplicationError] {
        if route.isKeyless {
            guard stored.rowIDName == nil else { return [] }
            return [problem(nil, "a table without key needs a row id at the target")]
        }
        let key = route.keyColumns.map(\.name)
        guard !stored.hasKey(key) else { return [] }
        let list = key.joined(separator: ", ")
        return [
            problem(nil, "the target's table has no unique key (\(list)) that compares by bytes")
        ]
    }

    private func problem(_ column: String?, _ why: String) -> ReplicationError {
        ReplicationError(
            .unfitSchema, "use the table that is at the target", table: route.target,
            column: column, why: why, try: "drop or rename it: Martlet makes it; or change it")
    }
}
