internal import ReplicationModel

/// Indexes out of `information_schema.statistics`, whose rows are key parts.
enum IndexFacts {
    static let primary = "PRIMARY"

    /// - Parameter rows: name, non_unique, column, prefix length, collation, type, expression; in
    ///   the order of name and part.
    static func indexes(_ rows: [[String?]]) -> [Index] {
        var names: [String] = []
        var parts: [String: [[String?]]] = [:]
        for row in rows {
            guard let name = row[0] else { continue }
            if parts[name] == nil { names.append(name) }
            parts[name, default: []].append(row)
        }
        return names.compactMap { name in parts[name].map { index(name, $0) } }
    }

    private static func index(_ name: String, _ parts: [[String?]]) -> Index {
        let type = parts.first?[5] ?? ""
        // FULLTEXT and SPATIAL are kinds of their own; BTREE and HASH are the engine's matter.
        let kind = ["FULLTEXT", "SPATIAL"].contains(type) ? type + " " : ""
        let hasExpression = parts.contains { $0[2] == nil }
        let list = parts.map { part(of: $0) }.joined(separator: ", ")
        var index = Index(
            name: name, columns: hasExpression ? [] : parts.compactMap { $0[2] },
            isUnique: parts.first?[1] == "0", isConstraint: name == primary,
            definition: (name == primary ? "PRIMARY KEY " : kind) + "(\(list))")
        // Of a text that is indexed by its first characters, rows with the same ones are one key.
        index.isPlain = !hasExpression && parts.allSatisfy { $0[3] == nil } && kind.isEmpty
        return index
    }

    private static func part(of row: [String?]) -> String {
        let what =
            row[2].map(SQLText.name) ?? "(\(row[6]?.replacing("\\'", with: "'") ?? ""))"
        return what + (row[3].map { "(\($0))" } ?? "") + (row[4] == "D" ? " DESC" : "")
    }
}

/// Foreign keys out of `key_column_usage` and `referential_constraints`.
enum ForeignKeyFacts {
    static func query(where list: String) -> String {
        """
        SELECT k.table_schema, k.table_name, k.constraint_name, k.column_name,
        k.referenced_table_schema, k.referenced_table_name, k.referenced_column_name,
        r.delete_rule, r.update_rule
        FROM information_schema.key_column_usage k
        JOIN information_schema.referential_constraints r
        ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
        AND r.table_name = k.table_name
        WHERE (k.table_schema, k.table_name) IN (\(list))
        AND k.referenced_table_name IS NOT NULL
        ORDER BY k.constraint_name, k.ordinal_position
        """
    }

    static func keys(_ rows: [[String?]]) -> [ForeignKey] {
        var keys: [ForeignKey] = []
        for row in rows {
            let texts = row.map { $0 ?? "" }
            if keys.last?.name != texts[0] { keys.append(begin(texts)) }
            keys[keys.count - 1].columns.append(texts[1])
            keys[keys.count - 1].referencedColumns.append(texts[4])
        }
        return keys.map(define)
    }

    /// `definition` holds the rules until the columns are known.
    private static func begin(_ row: [String]) -> ForeignKey {
        let rules = [("DELETE", row[5]), ("UPDATE", row[6])].filter { $0.1 != "NO ACTION" }
        return ForeignKey(
            name: row[0], columns: [], referenced: TableName(schema: row[2], name: row[3]),
            referencedColumns: [],
            definition: rules.map { " ON \($0.0) \($0.1)" }.joined(),
            changesRows: rules.contains { $0.1 != "RESTRICT" }, isDeferrable: false)
    }

    private static func define(_ key: ForeignKey) -> ForeignKey {
        var key = key
        let columns = key.columns.map(SQLText.name).joined(separator: ", ")
        let referenced = key.referencedColumns.map(SQLText.name).joined(separator: ", ")
        key.definition =
            "FOREIGN KEY (\(columns)) REFERENCES \(SQLText.name(key.referenced)) (\(referenced))"
            + key.definition
        return key
    }
}
