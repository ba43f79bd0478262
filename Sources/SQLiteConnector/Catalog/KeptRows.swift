internal import ReplicationModel

/// Rows that a table had before its load (`existing: merge`). They are set aside, so that the load
/// meets an empty table; when the target is consistent, those whose key the source has not are put
/// back.
///
/// Why not left where they are: they are of another moment than the source's rows. A unique value
/// that has moved since from one row to another would refuse the source's row, and which of the two
/// is to give way is known only when every row of the source is there.
extension SQLiteSession {
    private func keptName(_ table: TableName) -> String {
        "martlet_kept_\(table.name.foldedASCII)".quotedIdentifier
    }

    private func columns(_ stored: StoredTable) -> String {
        stored.columns.filter { !$0.isGenerated }.map(\.name.quotedIdentifier)
            .joined(separator: ", ")
    }

    /// In the caller's transaction.
    func setAside(_ table: TableName) throws {
        guard let stored = try storedTable(table.name) else { return }
        // No types: values are kept as they are.
        let (name, columns) = (keptName(table), columns(stored))
        try run("CREATE TABLE main.\(name) (\(columns))")
        try run("INSERT INTO main.\(name) SELECT \(columns) FROM \(table.inFile)")
        try run("DELETE FROM \(table.inFile)")
    }

    /// Nothing if no rows are set aside. Only the key may be taken: any other unique value that two
    /// rows have is a conflict.
    func putBack(_ table: TableName, key: [String]) throws -> [String] {
        let name = keptName(table)
        let kept = "martlet_kept_\(table.name.foldedASCII)"
        guard !key.isEmpty, let stored = try storedTable(table.name),
            try storedTable(kept) != nil
        else { return [] }
        let columns = columns(stored)
        let terms = key.map { "t.\($0.quotedIdentifier) = k.\($0.quotedIdentifier)" }
        return [
            "INSERT INTO \(table.inFile) (\(columns)) SELECT \(columns) FROM main.\(name) AS k "
                + "WHERE NOT EXISTS (SELECT 1 FROM \(table.inFile) AS t "
                + "WHERE \(terms.joined(separator: " AND ")))",
            "DROP TABLE main.\(name)",
        ]
    }
}
