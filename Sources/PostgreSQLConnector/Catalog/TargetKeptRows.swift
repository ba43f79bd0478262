internal import ReplicationModel

/// Rows that a table had before its load (`existing: merge`). They are set aside in schema
/// `martlet`, so that the load meets an empty table; when the target is consistent, those whose key
/// the source has not are put back.
///
/// Why not left where they are: they are of another moment than the source's rows. A unique value
/// that has moved since from one row to another would refuse the source's row, and which of the two
/// is to give way is known only when every row of the source is there.
struct TargetKeptRows {
    let catalog: TargetCatalog

    init(_ catalog: TargetCatalog) { self.catalog = catalog }

    private static func place(_ table: ExistingTable) -> String { "martlet.kept_\(table.oid)" }

    /// In the caller's transaction.
    func setAside(_ name: TableName) throws {
        guard let table = try catalog.tables([name])[name] else { return }
        try catalog.connection.run(
            "CREATE TABLE \(Self.place(table)) AS SELECT \(Self.columns(table)) "
                + "FROM \(table.rowsClause)")
        try catalog.empty(name)
    }

    private static func columns(_ table: ExistingTable) -> String {
        table.columns.filter { $0.generated == nil }.map(\.name.quotedIdentifier)
            .joined(separator: ", ")
    }

    /// Nothing if no rows are set aside. Only the key may be taken: any other unique value that two
    /// rows have is a conflict.
    static func putBack(
        _ table: ExistingTable, key: [String], firesNothing: Bool
    ) -> [String] {
        guard table.hasKeptRows, !key.isEmpty else { return [] }
        let (columns, place) = (columns(table), place(table))
        let list = key.map(\.quotedIdentifier).joined(separator: ", ")
        let insert =
            "INSERT INTO \(table.name.quoted) (\(columns)) OVERRIDING SYSTEM VALUE "
            + "SELECT \(columns) FROM \(place) ON CONFLICT (\(list)) DO NOTHING"
        let role = { (name: String) in "SET LOCAL session_replication_role = \(name)" }
        let rows = firesNothing ? [role("replica"), insert, role("origin")] : [insert]
        return rows + deferrableChecks(table) + ["DROP TABLE \(place)"]
    }

    /// In a session that is a replica, the server does not check deferrable keys.
    private static func deferrableChecks(_ table: ExistingTable) -> [String] {
        table.indexes.filter { $0.isUnique && $0.isDeferrable }.map { index in
            let list = index.columns.map(\.quotedIdentifier)
            let nulls = list.map { "\($0) IS NOT NULL" }.joined(separator: " AND ")
            let words = "rows that were kept have values of \(index.name) that others have"
            return
                "DO $martlet$ BEGIN IF EXISTS (SELECT FROM \(table.rowsClause) WHERE \(nulls) "
                + "GROUP BY \(list.joined(separator: ", ")) HAVING count(*) > 1) THEN "
                + "RAISE unique_violation USING MESSAGE = \(words.quotedLiteral); "
                + "END IF; END $martlet$"
        }
    }
}
