internal import ReplicationEngine
internal import ReplicationModel

/// Whether a table that is there already takes the route's rows exactly (I5, I8).
struct TargetFit {
    let route: TableRoute
    let table: TargetTable
    /// The collation that compares by bytes.
    let exact: String

    var problems: [ReplicationError] {
        guard table.isTable else {
            return [problem(nil, "it is a view", try: "drop or rename it: Martlet makes the table")]
        }
        var found = columnProblems + foreignColumnProblems + keyProblems
        // Their writes would have to be the same transaction (A07).
        if table.engine.lowercased() != "innodb" {
            found.append(
                problem(
                    nil, "its engine \(table.engine) has no transactions",
                    try: "ALTER TABLE \(route.target.atMySQL) ENGINE = InnoDB"))
        }
        if let trigger = table.triggers.first {
            found.append(
                problem(
                    nil, "trigger \(trigger) would fire for replicated rows and may change them",
                    try: "drop the table's triggers until the cut-over"))
        }
        return found
    }

    private var columnProblems: [ReplicationError] {
        route.columns.compactMap { column in
            guard let found = table.column(column.name) else {
                return problem(
                    column.name, "the target's table has no such column",
                    try: "add the column, or drop the table: Martlet makes it")
            }
            return columnProblem(column, found)
        }
    }

    private func columnProblem(
        _ column: Column, _ found: TargetTable.Column
    ) -> ReplicationError? {
        if found.isGenerated {
            return problem(
                column.name, "the column is generated at the target",
                try: "make it a plain column, or exclude it at the source")
        }
        if column.isNullable, !found.isNullable {
            return problem(
                column.name, "the source allows NULL and the target does not",
                try: "ALTER TABLE ... MODIFY \(found.name) \(found.declaration) NULL")
        }
        let fits =
            route.source.dialect.isMySQLFamily
            ? isSameType(column, found)
            : ValueCoding(column, route.source.dialect, in: found, on: .mysql) != nil
        guard !fits else { return nil }
        return problem(
            column.name,
            "a column of type \(found.declaration) would change or refuse values of "
                + column.type.declaration,
            try: "change the column, or drop the table: Martlet makes it")
    }

    /// Integers and years show a width in some versions only.
    private func isSameType(_ column: Column, _ found: TargetTable.Column) -> Bool {
        let wanted = Self.plain(column.type.declaration)
        let stored = Self.plain(found.declaration)
        // MariaDB's documents are texts.
        return (wanted == stored || wanted == "json" && stored == "longtext")
            && (column.collation == nil || column.collation == found.collation)
    }

    private static func plain(_ declaration: String) -> String {
        let text = declaration.lowercased()
        guard text.contains("int") || text.contains("year"), let open = text.firstIndex(of: "("),
            let close = text.firstIndex(of: ")"), open < close
        else { return text }
        return String(text[..<open] + text[text.index(after: close)...])
    }

    /// Columns that no value travels for must fill themselves.
    private var foreignColumnProblems: [ReplicationError] {
        let carried = Set(route.columns.map { $0.name.lowercased() })
        return table.columns.compactMap { column in
            let fillsItself =
                column.isNullable || column.hasDefault || column.isGenerated
                || column.isAutoIncrement
            guard !carried.contains(column.name.lowercased()), !fillsItself else { return nil }
            return problem(
                column.name, "the target wants a value that the source does not have",
                try: "give the column a default, or drop it")
        }
    }

    private var keyProblems: [ReplicationError] {
        guard !route.isKeyless else { return [] }
        let names = route.keyColumns.map(\.name)
        guard table.hasKey(names) else {
            return [
                problem(
                    nil, "it has no unique key (\(names.joined(separator: ", ")))",
                    try: "ALTER TABLE \(route.target.atMySQL) ADD PRIMARY KEY "
                        + "(\(TargetSchemaPlan.list(names)))")
            ]
        }
        return route.source.dialect.isMySQLFamily ? [] : collationProblems
    }

    /// Other rows than at the source would be equal (A32).
    private var collationProblems: [ReplicationError] {
        let unique = Set(
            table.indexes.filter(\.isUnique).flatMap(\.plainColumns).map { $0.lowercased() })
        return route.columns.compactMap { column in
            guard let found = table.column(column.name), let collation = found.collation,
                unique.contains(found.name.lowercased()), !ExactCollation.names.contains(collation),
                column.type.kind != .uuid
            else { return nil }
            return problem(
                column.name,
                "collation \(collation) takes texts for equal that are two at the source",
                try: "ALTER TABLE \(route.target.atMySQL) MODIFY \(found.name) "
                    + "\(found.declaration) CHARACTER SET utf8mb4 COLLATE \(exact)")
        }
    }

    private func problem(
        _ column: String?, _ why: String, try remedy: String
    ) -> ReplicationError {
        ReplicationError(
            .unfitSchema, "use the table that is at the target", table: route.target,
            column: column, why: why, try: remedy)
    }
}
