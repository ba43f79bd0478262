internal import ReplicationModel

/// Why a unique index or a foreign key cannot be made over rows that are all there: told as what is
/// wrong with the source's rows, since the target has no others.
enum UnkeptConstraint {
    static func told(_ error: ReplicationError, _ routes: [TableRoute]) -> ReplicationError {
        guard error.kind == .rowConflict, error.remedy == nil else { return error }
        guard let name = error.foreignKey else {
            var told = error
            told.remedy =
                "two rows have one unique value: change one of them, at the source or, if it was "
                + "there before (existing: merge), in martlet.kept_...; then run again"
            return told
        }
        let found = routes.lazy.compactMap { route in
            route.source.foreignKeys.first { $0.name == name }.map { (route.source, $0) }
        }.first
        var told = ReplicationError(
            .rowConflict, "make foreign key \(name)", table: found?.0.name ?? error.table,
            why: "rows refer to a parent that the source has not: its checks were off when they"
                + " were written (\(error.why))",
            try: "at the source: " + (found.map(search) ?? "find the rows without a parent")
                + "; delete these rows, give them a parent, or drop the foreign key; then run again"
        )
        told.foreignKey = name
        return told
    }

    /// Finds them, in the source's SQL.
    private static func search(_ child: TableSchema, _ key: ForeignKey) -> String {
        func quoted(_ name: String) -> String {
            let mark = child.dialect.isMySQLFamily ? "`" : "\""
            return mark + name.replacing(mark, with: mark + mark) + mark
        }
        func place(_ name: TableName) -> String { "\(quoted(name.schema)).\(quoted(name.name))" }
        let pairs = zip(key.columns.map(quoted), key.referencedColumns.map(quoted))
        let same = pairs.map { "p.\($1) = c.\($0)" }.joined(separator: " AND ")
        let present = key.columns.map { "c.\(quoted($0)) IS NOT NULL" }.joined(separator: " AND ")
        return "SELECT c.* FROM \(place(child.name)) AS c WHERE \(present) AND NOT EXISTS"
            + " (SELECT 1 FROM \(place(key.referenced)) AS p WHERE \(same))"
    }
}
